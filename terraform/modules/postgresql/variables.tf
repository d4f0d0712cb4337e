variable "label" {
  description = "Label of the database, 3-32 characters."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{2,31}$", var.label))
    error_message = "The label of a database is 3-32 letters, digits, dashes and underscores."
  }
}

variable "region" {
  description = "Region of the database."
  type        = string
}

variable "type" {
  description = "Plan type of each node."
  type        = string
}

variable "nodes" {
  description = "Number of nodes."
  type        = number
  default     = 1

  validation {
    condition     = contains([1, 2, 3], var.nodes)
    error_message = "A database has 1, 2 or 3 nodes."
  }
}

variable "postgresql_version" {
  description = "Major version of PostgreSQL."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{2}$", var.postgresql_version))
    error_message = "The version is a major version such as 17."
  }
}

variable "private_network" {
  description = "VPC and subnet that the database is private to; null when it is reached by public addresses."
  type        = object({ vpc_id = number, subnet_id = number })
  default     = null
}

variable "allow_list" {
  description = "Addresses that may connect; nobody, when empty."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.allow_list : !endswith(address, "/0")])
    error_message = "A database that is open to everybody is refused: name the addresses."
  }
}

variable "maintenance" {
  description = "When the platform may work on it: day of the week (1 is Monday), hour in UTC, and length in hours."
  type        = object({ day_of_week = number, hour_of_day = number, duration = number })
  default     = { day_of_week = 7, hour_of_day = 3, duration = 4 }

  validation {
    condition     = var.maintenance.day_of_week >= 1 && var.maintenance.day_of_week <= 7
    error_message = "day_of_week is 1-7."
  }

  validation {
    condition     = var.maintenance.hour_of_day >= 0 && var.maintenance.hour_of_day <= 23
    error_message = "hour_of_day is 0-23."
  }
}

variable "work_mem_megabytes" {
  description = "Memory of one sort or hash before it goes to disk; that of the platform when null."
  type        = number
  default     = null
}

variable "idle_in_transaction_milliseconds" {
  description = "After how long an idle transaction is ended; that of the platform when null."
  type        = number
  default     = null
}
