variable "environment" {
  description = "Name of the environment; the firewall is labelled `aias-<environment>-nodes`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,24}$", var.environment))
    error_message = "The name of an environment is 1-25 lower-case letters, digits and dashes, and begins with a letter."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the VPC, which nodes always reach."
  type        = string

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && !strcontains(var.vpc_cidr, ":")
    error_message = "vpc_cidr must be an IPv4 network such as 10.0.0.0/16."
  }
}

variable "egress_cidrs" {
  description = "Networks that nodes may reach. Everything, when it holds a network of length zero."
  type        = list(string)
  default     = ["0.0.0.0/0", "::/0"]

  validation {
    condition     = alltrue([for cidr in var.egress_cidrs : can(cidrhost(cidr, 0))])
    error_message = "egress_cidrs must be networks in CIDR notation."
  }

  validation {
    condition     = length(var.egress_cidrs) <= 250
    error_message = "A rule of a Cloud Firewall takes at most 255 addresses, and the environment's own networks are added."
  }
}

variable "instance_ids" {
  description = "Instances behind it; null leaves that to whoever is given its id."
  type        = set(number)
  default     = null
}

variable "tags" {
  description = "Tags of the firewall."
  type        = set(string)
  default     = []
}
