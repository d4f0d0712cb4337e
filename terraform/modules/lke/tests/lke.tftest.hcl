mock_provider "linode" {
  mock_resource "linode_lke_cluster" {
    defaults = { id = "500001" }
  }
  mock_resource "linode_lke_node_pool" {
    defaults = { id = "700001" }
  }
}

variables {
  label              = "aias-development"
  region             = "fr-par"
  kubernetes_version = "1.34"
  inline_pool        = "general"
  firewall_id        = 3001
  vpc_id             = 1001
  subnet_id          = 2001
  tags               = ["aias"]
  pools = {
    general = { type = "g6-standard-4", count = 2, autoscaler = { min = 2, max = 4 }, labels = { role = "general" } }
    gpu = {
      type   = "g2-gpu-rtx4000a1-s"
      count  = 1
      labels = { node-type = "gpu" }
      taints = { gpu-workload = { value = "true", effect = "NoSchedule" } }
    }
  }
}

run "one_pool_is_inline_and_every_other_one_by_itself" {
  command = plan

  assert {
    condition     = length(linode_lke_cluster.this.pool) == 1 && linode_lke_cluster.this.pool[0].type == "g6-standard-4"
    error_message = "Exactly one pool is inline."
  }

  assert {
    condition     = keys(linode_lke_node_pool.this) == ["gpu"]
    error_message = "Every other pool is keyed by its name."
  }

  assert {
    condition = anytrue([
      for tag in linode_lke_cluster.this.external_pool_tags : contains(linode_lke_node_pool.this["gpu"].tags, tag)
    ])
    error_message = "Without the tag the cluster would delete the other pools."
  }
}

run "labels_and_taints_come_with_the_pool" {
  command = plan

  assert {
    condition     = linode_lke_node_pool.this["gpu"].labels["node-type"] == "gpu"
    error_message = "GPU nodes bear the label node-type=gpu."
  }

  assert {
    condition     = one(linode_lke_node_pool.this["gpu"].taint).key == "gpu-workload"
    error_message = "GPU nodes bear the taint gpu-workload."
  }
}

run "the_standard_tier_takes_no_network" {
  command = plan

  assert {
    condition     = local.firewall_id == null
    error_message = "A firewall of a pool would not be a firewall of its nodes."
  }

  assert {
    condition     = linode_lke_cluster.this.control_plane[0].high_availability == false
    error_message = "High availability is not asked for."
  }
}

run "the_enterprise_tier_lives_in_the_vpc" {
  command = plan

  variables {
    tier              = "enterprise"
    high_availability = true
  }

  assert {
    condition     = linode_lke_cluster.this.vpc_id == 1001 && linode_lke_cluster.this.subnet_id == 2001
    error_message = "The nodes live in the VPC."
  }

  assert {
    condition = alltrue([
      linode_lke_cluster.this.pool[0].firewall_id == 3001,
      linode_lke_node_pool.this["gpu"].firewall_id == 3001,
    ])
    error_message = "Every node stands behind the firewall."
  }

  assert {
    condition     = linode_lke_cluster.this.control_plane[0].high_availability
    error_message = "High availability is asked for."
  }
}

run "an_access_list_that_locks_everybody_out_is_refused" {
  command = plan

  variables {
    acl = { enabled = true }
  }

  expect_failures = [var.acl]
}

run "impossible_pools_are_refused" {
  command = plan

  variables {
    tier        = "gold"
    inline_pool = "general"
    pools = {
      general = { type = "g6-standard-4", count = 5, autoscaler = { min = 1, max = 3 } }
      other   = { type = "g6-standard-4", count = 0 }
    }
  }

  expect_failures = [var.tier, var.pools]
}
