"""A stand-in for the Terraform provider `linode/linode`, for rehearsals: the same names, spoken to the fake Linode API.

servicer   Terraform's plug-in protocol: plan, apply, read, import
schema     arguments and blocks, and how a state is completed, compared and planned
kind       what a type of resource is made of, and the ordinary one that one path serves
api        calls over HTTP, repeated as the real provider repeats them
waiting    clusters, nodes and databases that take their time
kinds/     the resources and data sources that our modules use

Sources: https://github.com/linode/terraform-provider-linode and https://registry.terraform.io/providers/linode/linode
"""
