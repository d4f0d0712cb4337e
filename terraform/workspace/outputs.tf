output "workspace" {
  description = "Id and addresses of the machine, and when it is to be removed."
  value = {
    instance_id = module.workspace.instance_id
    addresses   = module.workspace.addresses
    expires_at  = module.workspace.expires_at
  }
}
