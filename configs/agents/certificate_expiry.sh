#!/bin/sh
# Writes, every ten minutes, when each certificate <folder>/<service>/cert.pem and <folder>/ca.pem expires, as a metric
# in node-exporter's text format. Usage: certificate_expiry.sh FOLDER FILE
set -eu
folder=$1 file=$2 metric=socle_certificate_expiry_timestamp_seconds

expires() {
    end=$(openssl x509 -noout -enddate -in "$1") && date -d "${end#notAfter=}" +%s
}

metrics() {
    echo "# HELP $metric When the certificate on disk expires."
    echo "# TYPE $metric gauge"
    for cert in "$folder"/ca.pem "$folder"/*/cert.pem; do
        [ -r "$cert" ] || continue
        name=${cert#"$folder"/}
        name=${name%/cert.pem}
        seconds=$(expires "$cert") || seconds=0
        echo "$metric{certificate=\"${name%.pem}\"} $seconds"
    done
}

while true; do
    metrics > "$file.new"
    mv -f "$file.new" "$file"
    sleep 600
done
