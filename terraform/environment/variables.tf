variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "region" {
  description = "Region of everything."
  type        = string
}

variable "tags" {
  description = "Tags of everything that can bear some."
  type        = set(string)
}

variable "network" {
  description = "The VPC, its subnets, who may come in and where nodes may go. `nodes` is a subnet that must be there."
  type = object({
    vpc_cidr      = string
    subnets       = map(string)
    ingress_cidrs = list(string)
    egress_cidrs  = list(string)
  })

  validation {
    condition     = contains(keys(var.network.subnets), "nodes")
    error_message = "The subnet 'nodes' is missing."
  }
}

variable "cluster" {
  description = "The cluster and its node pools."
  type = object({
    version           = string
    tier              = string
    high_availability = bool
    audit_logs        = bool
    acl               = object({ enabled = bool, ipv4 = set(string), ipv6 = set(string) })
    inline_pool       = string
    pools = map(object({
      type       = string
      count      = number
      autoscaler = optional(object({ min = number, max = number }))
      labels     = optional(map(string), {})
      taints     = optional(map(object({ value = string, effect = string })), {})
    }))
  })
}

variable "database" {
  description = "The managed PostgreSQL. `allow_list` is added to the addresses of the nodes."
  type = object({
    type       = string
    nodes      = number
    version    = string
    allow_list = optional(set(string), [])
  })
}

variable "storage" {
  description = "Buckets by purpose, and the keys that open them."
  type = object({
    prefix = string
    buckets = map(object({
      versioned     = optional(bool, false)
      expire_days   = optional(number)
      endpoint_type = optional(string)
    }))
    keys = map(object({ buckets = set(string), permissions = optional(string, "read_write") }))
  })
}

variable "domain" {
  description = "Zone of the environment; without one there is no DNS."
  type        = string
  default     = null
}

variable "edge_address" {
  description = "Public address of the edge, once it has one."
  type        = string
  default     = null
}

variable "api_version" {
  description = "Version of Linode's API."
  type        = string
  default     = "v4"

  validation {
    condition     = contains(["v4", "v4beta"], var.api_version)
    error_message = "api_version is v4 or v4beta."
  }
}

variable "poll_milliseconds" {
  description = "Pause between two looks at something that is being made."
  type        = number
  default     = 4000

  validation {
    condition     = var.poll_milliseconds >= 10
    error_message = "poll_milliseconds is 10 or more."
  }
}

variable "empties_buckets" {
  description = "Whether a bucket that is removed may hold something."
  type        = bool
  default     = false
}
