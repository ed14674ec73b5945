#!/bin/sh
# Whether the node takes connections from its apps. (bash, since that opens sockets: Kafka's image has it.)
exec bash -c ': < /dev/tcp/127.0.0.1/9092'
