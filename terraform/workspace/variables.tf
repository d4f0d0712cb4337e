variable "name" {
  description = "Name of the workspace."
  type        = string
}

variable "owner" {
  description = "Whose workspace it is."
  type        = string
}

variable "region" {
  description = "Region of the machine."
  type        = string
}

variable "type" {
  description = "Plan type of the machine."
  type        = string
}

variable "image" {
  description = "Image of the machine."
  type        = string
}

variable "created_at" {
  description = "When it was asked for, RFC 3339."
  type        = string
}

variable "ttl_hours" {
  description = "How long it may live."
  type        = number
}

variable "ssh_keys" {
  description = "Public keys that may log in."
  type        = list(string)
}

variable "ssh_cidrs" {
  description = "Networks from which SSH is allowed."
  type        = list(string)
}

variable "user_data" {
  description = "What cloud-init does at the first start; none when null."
  type        = string
  default     = null
}

variable "tags" {
  description = "Further tags."
  type        = set(string)
  default     = []
}

variable "api_version" {
  description = "Version of Linode's API."
  type        = string
  default     = "v4"
}

variable "poll_milliseconds" {
  description = "Pause between two looks at something that is being made."
  type        = number
  default     = 4000
}
