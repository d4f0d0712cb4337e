-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP FUNCTION aias.spread_default_rows();
DROP FUNCTION aias.count_default_rows();
DROP FUNCTION aias.drop_expired_partitions(timestamptz, int, uuid[]);
DROP FUNCTION aias.count_expired_partitions(timestamptz, uuid[]);
DROP FUNCTION aias.list_expired_partitions(timestamptz);
DROP FUNCTION aias.list_month_partitions();
DROP FUNCTION aias.ensure_month_partitions(timestamptz, int);
DROP FUNCTION aias.first_uuid(timestamptz);
DROP FUNCTION aias.partition_lifetimes();
