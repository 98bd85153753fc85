import { z } from "zod";

import { setting } from "../setting.ts";

/** The listening side: address, limits, shutdown. */
export const server = z
  .strictObject({
    host: setting(z.string().min(1).default("127.0.0.1"), {
      doc: "Address to listen on; 0.0.0.0 for all interfaces.",
      flag: "host",
      placeholder: "HOST",
    }),
    port: setting(z.int().min(0).max(65_535).default(30_000), {
      doc: "Port to listen on; 0 takes any free one.",
      flag: "port",
      placeholder: "PORT",
    }),
    maxPayloadBytes: setting(z.int().min(1).default(536_870_912), {
      doc: "Largest request body in bytes; a larger one is answered with 413.",
      flag: "max-payload-size",
      placeholder: "BYTES",
    }),
    rootPath: setting(z.string().optional(), {
      doc: "Path prefix under which a reverse proxy publishes this server.",
      flag: "root-path",
      placeholder: "PATH",
    }),
    requestIdHeaders: setting(
      z
        .array(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not a header name"))
        .default(["x-request-id", "x-correlation-id", "x-trace-id", "request-id"]),
      {
        doc: "Request headers that may carry the request id; the first one present wins.",
        flag: "request-id-headers",
        placeholder: "NAME",
        splitOnComma: true,
      },
    ),
    enableRequestIdHeaders: setting(z.boolean().default(false), {
      doc: "Send X-Request-Id with every answer.",
      flag: "enable-request-id-headers",
    }),
    threads: setting(z.int().min(1).max(64).default(1), {
      doc: "Threads that serve requests, all on the one port; beyond one there is another thread for everything that concerns the engines.",
      flag: "threads",
      placeholder: "COUNT",
    }),
    tokenizerThreads: setting(z.int().min(0).max(16).default(1), {
      doc: "Threads, for each of --threads, that encode long prompts beside the requests; started with the first one. 0 encodes them where requests are served.",
      flag: "tokenizer-threads",
      placeholder: "COUNT",
    }),
    tokenizerThreadMinChars: setting(z.int().min(1024).default(65_536), {
      doc: "Characters of a prompt that have not been seen lately beyond which a tokenizer thread encodes them.",
      flag: "tokenizer-thread-min-chars",
      placeholder: "CHARS",
    }),
    drainTimeoutSecs: setting(z.number().min(0).default(60), {
      doc: "Longest time that running answers may take to end after SIGTERM or SIGINT, in seconds; a second signal stops at once.",
      flag: "drain-timeout-secs",
      placeholder: "SECS",
    }),
    unixSocket: setting(z.string().min(1).optional(), {
      doc: "Unix socket to listen on in place of --host and --port.",
      flag: "uds",
      placeholder: "PATH",
    }),
    httpServer: setting(z.enum(["net", "node"]).default("net"), {
      doc: "HTTP server: net is an HTTP/1.1 server of our own, node the one of Node.",
      flag: "http-server",
    }),
    maxHeaderBytes: setting(z.int().min(1).default(4_194_304), {
      doc: "Largest head of a request in bytes.",
      flag: "h11-max-incomplete-event-size",
      placeholder: "BYTES",
    }),
    maxHeaderCount: setting(z.int().min(1).default(256), {
      doc: "Headers a request may have.",
      flag: "h11-max-header-count",
      placeholder: "COUNT",
    }),
    sseKeepAliveIntervalSecs: setting(z.number().min(0).default(0), {
      doc: "Send a comment on a stream that has been idle for so many seconds; 0 for never.",
      flag: "sse-keep-alive-interval",
      placeholder: "SECS",
    }),
  })
  .meta({ title: "Server" });

/** TLS of the listening side. */
export const tls = z
  .strictObject({
    keyFile: setting(z.string().min(1).optional(), {
      doc: "File of the private key; with --ssl-certfile the server speaks TLS.",
      flag: "ssl-keyfile",
      placeholder: "PATH",
    }),
    certificateFile: setting(z.string().min(1).optional(), {
      doc: "File of the certificate and its chain.",
      flag: "ssl-certfile",
      placeholder: "PATH",
    }),
    caFile: setting(z.string().min(1).optional(), {
      doc: "File of the authorities that clients' certificates come from.",
      flag: "ssl-ca-certs",
      placeholder: "PATH",
    }),
    clientCertificates: setting(z.int().min(0).max(2).default(0), {
      doc: "Certificates of clients: 0 not asked for, 1 checked where given, 2 required.",
      flag: "ssl-cert-reqs",
      placeholder: "NUMBER",
    }),
    ciphers: setting(z.string().min(1).optional(), {
      doc: "Ciphers that may be used, in OpenSSL's notation.",
      flag: "ssl-ciphers",
      placeholder: "CIPHERS",
    }),
    refresh: setting(z.boolean().default(false), {
      doc: "Read key and certificates again when their files change.",
      flag: "enable-ssl-refresh",
    }),
  })
  .meta({ title: "TLS" });
