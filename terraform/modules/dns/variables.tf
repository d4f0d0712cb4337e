variable "domain" {
  description = "Zone of the environment."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain is a name in lower case such as dev.example.com."
  }
}

variable "contact" {
  description = "Mail address of who answers for the zone; `hostmaster@<domain>` when null."
  type        = string
  default     = null
}

variable "hosts" {
  description = "Names below the domain that lead to the edge."
  type        = set(string)
  default     = ["api", "id", "analytics", "grafana", "argocd"]
}

variable "edge_address" {
  description = "Public IPv4 address of the edge; null until it has one, and then there are no such records."
  type        = string
  default     = null

  validation {
    condition     = var.edge_address == null ? true : can(cidrhost("${var.edge_address}/32", 0))
    error_message = "edge_address is an IPv4 address."
  }
}

variable "records" {
  description = "Further records by a name of your own."
  type = map(object({
    type   = string
    name   = string
    target = string
    ttl    = optional(number, 300)
  }))
  default = {}

  validation {
    condition     = alltrue([for record in values(var.records) : contains(["A", "AAAA", "CNAME", "MX", "TXT"], record.type)])
    error_message = "Records are A, AAAA, CNAME, MX or TXT."
  }
}

variable "tags" {
  description = "Tags of the zone."
  type        = set(string)
  default     = []
}
