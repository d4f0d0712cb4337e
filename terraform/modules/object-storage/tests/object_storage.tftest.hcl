mock_provider "linode" {
  mock_resource "linode_object_storage_key" {
    defaults = { id = "1" }
  }
}

variables {
  prefix = "aias-development"
  region = "fr-par"
  buckets = {
    backups = { versioned = true }
    exports = { expire_days = 90 }
  }
  keys = { services = { buckets = ["exports"] } }
}

run "buckets_are_private_and_forget_in_time" {
  command = plan

  assert {
    condition = alltrue([
      for bucket in linode_object_storage_bucket.this : bucket.acl == "private" && !bucket.cors_enabled
    ])
    error_message = "No bucket is public."
  }

  assert {
    condition     = linode_object_storage_bucket.this["exports"].lifecycle_rule[0].expiration[0].days == 90
    error_message = "Exports are removed after 90 days."
  }

  assert {
    condition = (
      linode_object_storage_bucket.this["backups"].versioning
      && length(linode_object_storage_bucket.this["backups"].lifecycle_rule[0].expiration) == 0
    )
    error_message = "Backups keep their versions and are not removed by age."
  }
}

run "a_key_opens_its_own_buckets_only" {
  command = plan

  assert {
    condition = [
      for access in linode_object_storage_key.this["services"].bucket_access : access.bucket_name
    ] == ["aias-development-exports"]
    error_message = "The key opens more or less than the bucket it is for."
  }
}

run "keys_for_nothing_and_for_unknown_buckets_are_refused" {
  command = plan

  variables {
    keys = {
      nothing = { buckets = [] }
      unknown = { buckets = ["nowhere"], permissions = "all" }
    }
  }

  expect_failures = [var.keys]
}
