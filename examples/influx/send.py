"""Writes points with InfluxDB's clients for 2.x and 1.x, as their documentation shows, and tells what they say."""
import sys

import influxdb
import influxdb_client
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

port = int(sys.argv[1])
url = f"http://127.0.0.1:{port}"

new = influxdb_client.InfluxDBClient(url=url, token="secret", org="o", enable_gzip=True)
print("2.x ping", new.ping(), new.health().status)
write = new.write_api(write_options=SYNCHRONOUS)
point = influxdb_client.Point("new").tag("host", "web1").tag("region", "eu").field("v", 1.5).field("n", 3).field("up", True)
write.write("b", record=point.field("text", 'it is "late"\nand dark').time(1_700_000_000_250_000_000))
try:
    write.write("b", record=["new,host=web1 good=1", "bad v=x"])
except (ApiException, InfluxDBError) as e:
    print("2.x", e.message)
try:
    influxdb_client.InfluxDBClient(url=url, token="wrong", org="o").write_api(write_options=SYNCHRONOUS).write("b", record="a v=1")
except (ApiException, InfluxDBError) as e:
    print("2.x wrong token", e.response.status)

old = influxdb.InfluxDBClient("127.0.0.1", port, "me", "secret", "db")
print("1.x ping", old.ping())
old.create_database("db")
print("1.x", old.write_points([{"measurement": "old", "tags": {"host": "web1"}, "fields": {"v": 2.5}, "time": 1_700_000_000}], time_precision="s"))
