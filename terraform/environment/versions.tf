terraform {
  required_version = ">= 1.10"

  required_providers {
    linode = {
      source  = "linode/linode"
      version = "~> 3.9"
    }
  }

  # Address and password of the backend come from TF_HTTP_* of the process that starts Terraform.
  backend "http" {}
}
