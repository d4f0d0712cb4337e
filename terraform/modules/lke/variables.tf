variable "label" {
  description = "Label of the cluster, at most 32 characters."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", var.label))
    error_message = "The label of a cluster is 1-32 letters, digits, dashes and underscores."
  }
}

variable "region" {
  description = "Region of the cluster."
  type        = string
}

variable "kubernetes_version" {
  description = "Kubernetes version as Linode names it, for example 1.34."
  type        = string

  validation {
    condition     = can(regex("^v?[0-9]+\\.[0-9]+", var.kubernetes_version))
    error_message = "kubernetes_version looks like 1.34."
  }
}

variable "tier" {
  description = "Tier of the control plane; only `enterprise` puts the nodes into the VPC."
  type        = string
  default     = "standard"

  validation {
    condition     = contains(["standard", "enterprise"], var.tier)
    error_message = "tier is standard or enterprise."
  }
}

variable "high_availability" {
  description = "Whether the control plane is doubled. It costs more and cannot be undone."
  type        = bool
  default     = false
}

variable "audit_logs" {
  description = "Whether the control plane keeps audit logs."
  type        = bool
  default     = false
}

variable "acl" {
  description = "Who may reach the Kubernetes API. Once enabled, everybody who is not listed is denied."
  type = object({
    enabled = bool
    ipv4    = optional(set(string), [])
    ipv6    = optional(set(string), [])
  })
  default = { enabled = false }

  validation {
    condition     = !var.acl.enabled || length(var.acl.ipv4) + length(var.acl.ipv6) > 0
    error_message = "An access list that is enabled and empty would lock everybody out."
  }
}

variable "inline_pool" {
  description = "Name of the one pool that is made together with the cluster."
  type        = string

  validation {
    condition     = contains(keys(var.pools), var.inline_pool)
    error_message = "inline_pool must be the name of one of the pools."
  }
}

variable "pools" {
  description = "Node pools by name. `autoscaler` lets the count move between its bounds; `taints` is value and effect by key."
  type = map(object({
    type       = string
    count      = number
    autoscaler = optional(object({ min = number, max = number }))
    labels     = optional(map(string), {})
    taints     = optional(map(object({ value = string, effect = string })), {})
  }))

  validation {
    condition     = alltrue([for pool in values(var.pools) : pool.count >= 1 && pool.count <= 100])
    error_message = "A pool has 1-100 nodes."
  }

  validation {
    condition = alltrue([
      for pool in values(var.pools) :
      pool.autoscaler == null ? true : pool.autoscaler.min <= pool.count && pool.count <= pool.autoscaler.max
    ])
    error_message = "The count of a pool must lie within the bounds of its autoscaler."
  }

  validation {
    condition = alltrue(flatten([
      for pool in values(var.pools) : [
        for taint in values(pool.taints) : contains(["NoSchedule", "PreferNoSchedule", "NoExecute"], taint.effect)
      ]
    ]))
    error_message = "The effect of a taint is NoSchedule, PreferNoSchedule or NoExecute."
  }
}

variable "firewall_id" {
  description = "Id of the firewall of every node; only the enterprise tier takes one."
  type        = number
  default     = null
}

variable "vpc_id" {
  description = "Id of the VPC the nodes live in; only the enterprise tier takes one."
  type        = number
  default     = null
}

variable "subnet_id" {
  description = "Id of the subnet the nodes live in; only the enterprise tier takes one."
  type        = number
  default     = null
}

variable "tags" {
  description = "Tags of the cluster and of every pool."
  type        = set(string)
  default     = []
}
