# The platform in one image: broker, Schema Registry, SQL, REST proxy.
#   docker build -t millrace . && docker run -p 127.0.0.1:9092:9092 -p 127.0.0.1:8081:8081 -p 127.0.0.1:8082:8082 -p 127.0.0.1:8083:8083 -p 127.0.0.1:8088:8088 -v millrace:/data millrace
# Settings are environment variables: MILLRACE_NUM_PARTITIONS=3 is num.partitions=3.

FROM node:24.21.0-bookworm-slim AS package
WORKDIR /source
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build && mkdir /package && npm pack --ignore-scripts --pack-destination /package

FROM node:24.21.0-bookworm-slim
COPY --from=package /package /package
RUN npm install --global --omit=dev --no-audit --no-fund /package/millrace-*.tgz && rm -rf /package /root/.npm
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 9092 8081 8082 8083 8088
# Clients are told to come to 127.0.0.1:9092, the machine's port; those in other containers need MILLRACE_ADVERTISED_LISTENERS=<service>:9092.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["millrace", "status"]
# Within the container's network everybody may do everything; publish ports on 127.0.0.1 only, or see docs/security.
# SIGTERM reaches the platform itself, which stops cleanly.
ENTRYPOINT ["millrace"]
CMD ["start", "--data-dir", "/data", "--host", "0.0.0.0", "--insecure"]
