# Builds the one file that is Heliograph, and puts it on a plain Node: no node_modules, no shell script, no root.
ARG NODE_IMAGE=node:26-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY rolldown.config.ts tsconfig.json ./
COPY src src
RUN npm run build

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="heliograph" \
      org.opencontainers.image.description="Mirrors annotated Secrets and ConfigMaps into the namespaces that their owners allow." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /app
# Without a package.json beside it, only the ending .mjs keeps Node from parsing the file twice.
COPY --from=build --chown=0:0 --chmod=0444 /build/dist/heliograph.js /app/heliograph.mjs
USER 10001:10001
EXPOSE 8080
# Node would take a fixed heap above a small container's limit; buffers outside the heap need the rest.
ENTRYPOINT ["node", "--max-old-space-size-percentage=60", "/app/heliograph.mjs"]
CMD ["run"]
