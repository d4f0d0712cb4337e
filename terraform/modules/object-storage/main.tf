# Private buckets that remove old objects by themselves, and keys that open nothing but their buckets.

locals {
  unfinished_upload_days = 7
  old_version_days       = 30
}

resource "linode_object_storage_bucket" "this" {
  for_each = var.buckets

  label         = "${var.prefix}-${each.key}"
  region        = var.region
  endpoint_type = each.value.endpoint_type
  acl           = "private"
  cors_enabled  = false
  versioning    = each.value.versioned

  lifecycle_rule {
    id                                     = "retention"
    enabled                                = true
    abort_incomplete_multipart_upload_days = local.unfinished_upload_days

    dynamic "expiration" {
      for_each = each.value.expire_days == null ? [] : [each.value.expire_days]

      content {
        days = expiration.value
      }
    }

    dynamic "noncurrent_version_expiration" {
      for_each = each.value.versioned ? [local.old_version_days] : []

      content {
        days = noncurrent_version_expiration.value
      }
    }
  }
}

resource "linode_object_storage_key" "this" {
  for_each = var.keys

  label = "${var.prefix}-${each.key}"

  dynamic "bucket_access" {
    for_each = each.value.buckets

    content {
      bucket_name = linode_object_storage_bucket.this[bucket_access.value].label
      region      = var.region
      permissions = each.value.permissions
    }
  }
}
