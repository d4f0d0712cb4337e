variable "name" {
  description = "Name of the workspace."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.name))
    error_message = "The name of a workspace is 1-31 lower-case letters, digits and dashes, and begins with a letter."
  }
}

variable "owner" {
  description = "Whose workspace it is."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9._-]{0,40}$", var.owner))
    error_message = "The owner is a user name in lower case."
  }
}

variable "region" {
  description = "Region of the machine."
  type        = string
}

variable "type" {
  description = "Plan type of the machine."
  type        = string
  default     = "g6-standard-2"
}

variable "image" {
  description = "Image of the machine."
  type        = string
  default     = "linode/debian12"
}

variable "created_at" {
  description = "When it was asked for, RFC 3339; given, because a plan must say the same every time."
  type        = string

  validation {
    condition     = can(timeadd(var.created_at, "0s"))
    error_message = "created_at is an instant such as 2026-10-01T00:00:00Z."
  }
}

variable "ttl_hours" {
  description = "How long it may live."
  type        = number
  default     = 72

  validation {
    condition     = var.ttl_hours >= 1 && var.ttl_hours <= 720
    error_message = "A workspace lives 1-720 hours."
  }
}

variable "ssh_keys" {
  description = "Public keys that may log in; there is no password."
  type        = list(string)

  validation {
    condition     = length(var.ssh_keys) > 0 && alltrue([for key in var.ssh_keys : startswith(key, "ssh-") || startswith(key, "ecdsa-")])
    error_message = "At least one public key in OpenSSH format."
  }
}

variable "ssh_cidrs" {
  description = "Networks from which SSH is allowed; nobody, when empty."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.ssh_cidrs : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")])
    error_message = "ssh_cidrs are networks in CIDR notation, and never the whole world."
  }
}

variable "user_data" {
  description = "What cloud-init does at the first start, in plain text; none when null."
  type        = string
  default     = null
}

variable "tags" {
  description = "Further tags."
  type        = set(string)
  default     = []
}
