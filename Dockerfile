# A static binary and the certificate authorities, nothing else. It runs as nobody's user and keeps its
# state in /var/lib/zeta.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/zeta ./cmd/zeta \
 && mkdir -p /out/state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/zeta /zeta
COPY --from=build --chown=65532:65532 /out/state /var/lib/zeta
USER 65532:65532
VOLUME /var/lib/zeta
EXPOSE 5554 5555 5555/udp 5556
ENTRYPOINT ["/zeta"]
CMD ["serve", "--config", "/etc/zeta/zeta.expr", "--data", "/var/lib/zeta"]
