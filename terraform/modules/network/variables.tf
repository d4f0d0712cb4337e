variable "environment" {
  description = "Name of the environment; everything is labelled `aias-<environment>` and more."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,24}$", var.environment))
    error_message = "The name of an environment is 1-25 lower-case letters, digits and dashes, and begins with a letter."
  }
}

variable "region" {
  description = "Region of the VPC."
  type        = string
}

variable "vpc_cidr" {
  description = "Addresses of the VPC, in CIDR notation."
  type        = string

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && !strcontains(var.vpc_cidr, ":")
    error_message = "vpc_cidr must be an IPv4 network such as 10.0.0.0/16."
  }
}

variable "subnets" {
  description = "IPv4 network of each subnet, by its label."
  type        = map(string)

  validation {
    condition     = length(var.subnets) > 0 && alltrue([for cidr in values(var.subnets) : can(cidrhost(cidr, 0))])
    error_message = "Each of at least one subnet must be an IPv4 network."
  }
}

variable "ingress_cidrs" {
  description = "Networks that may reach ports 80 and 443 of the edge. Nobody, when empty."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.ingress_cidrs : can(cidrhost(cidr, 0))])
    error_message = "ingress_cidrs must be networks in CIDR notation."
  }

  validation {
    condition     = length(var.ingress_cidrs) <= 255
    error_message = "A rule of a Cloud Firewall takes at most 255 addresses."
  }
}

variable "tags" {
  description = "Tags of everything that can bear some."
  type        = set(string)
  default     = []
}
