output "endpoints" {
  description = "S3 endpoint of each bucket, by purpose."
  value       = { for purpose, bucket in linode_object_storage_bucket.this : purpose => bucket.s3_endpoint }
}

output "bucket_names" {
  description = "Name of each bucket, by purpose."
  value       = { for purpose, bucket in linode_object_storage_bucket.this : purpose => bucket.label }
}

output "key_ids" {
  description = "Id of each access key, by name. Their secrets are read from the state by the one who stores them."
  value       = { for name, key in linode_object_storage_key.this : name => tonumber(key.id) }
}
