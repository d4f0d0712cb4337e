variable "prefix" {
  description = "What every name begins with: names are global, and a bucket is called `<prefix>-<purpose>`."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,44}$", var.prefix))
    error_message = "The prefix is 2-45 lower-case letters, digits and dashes."
  }
}

variable "region" {
  description = "Region of the buckets."
  type        = string
}

variable "buckets" {
  description = "Buckets by purpose. Objects are removed after `expire_days`; older versions after 30 days where versions are kept."
  type = map(object({
    versioned     = optional(bool, false)
    expire_days   = optional(number)
    endpoint_type = optional(string)
  }))

  validation {
    condition = alltrue([
      for bucket in values(var.buckets) : bucket.expire_days == null ? true : bucket.expire_days >= 1
    ])
    error_message = "expire_days is one day or more."
  }
}

variable "keys" {
  description = "Access keys by name, each with the purposes of the buckets it opens. A key opens 25 buckets at most."
  type = map(object({
    buckets     = set(string)
    permissions = optional(string, "read_write")
  }))
  default = {}

  validation {
    condition     = alltrue([for key in values(var.keys) : length(key.buckets) >= 1 && length(key.buckets) <= 25])
    error_message = "A key opens 1-25 buckets."
  }

  validation {
    condition     = alltrue([for key in values(var.keys) : contains(["read_only", "read_write"], key.permissions)])
    error_message = "Permissions are read_only or read_write."
  }

  validation {
    condition     = alltrue(flatten([for key in values(var.keys) : [for name in key.buckets : contains(keys(var.buckets), name)]]))
    error_message = "A key names a bucket that is not among the buckets."
  }
}
