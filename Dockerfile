# A static binary and nothing else. Build: docker build -t spillway .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /spillway ./cmd/spillway && mkdir /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /spillway /spillway
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
VOLUME /data
ENV SPILLWAY_DATA_DIR=/data SPILLWAY_LISTEN=0.0.0.0:4566
EXPOSE 4566 6222
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s CMD ["/spillway", "healthcheck"]
ENTRYPOINT ["/spillway"]
CMD ["serve"]
