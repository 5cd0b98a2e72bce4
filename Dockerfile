# The module files come first: a change of the code alone does not fetch the modules again.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY main.go ./
COPY forwarder/ forwarder/
COPY eventhub/ eventhub/
COPY webhook/ webhook/
COPY httpclient/ httpclient/
COPY internal/ internal/
ARG VERSION=dev
RUN CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags="-s -X aks-audit-log-go/forwarder.Version=${VERSION}" -a -installsuffix cgo .

FROM scratch
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="aks-audit-log-go" \
      org.opencontainers.image.description="Forwards Kubernetes audit events of AKS from an Event Hub to Falco" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/aks-audit-log-go /aks-audit-log-go
# A number: a pod with runAsNonRoot refuses a user that it knows only by name.
USER 65532:65532
EXPOSE 9000
ENTRYPOINT ["/aks-audit-log-go"]
