-- name: find_role
SELECT 1 FROM pg_roles WHERE rolname = %s

-- name: find_database
SELECT 1 FROM pg_database WHERE datname = %s
