/** The HTTP exchange of remote write: POST with the headers of the protocol and the identity of the user. */

import { HttpClient, type HttpResponse } from "../http_client.ts";
import { basicCredentials } from "../secrets.ts";
import type { RemoteWriteConfig } from "./config.ts";
import { amzDate, sha256Hex, sigV4Authorization } from "./sigv4.ts";

/** What a body is, as its headers say. */
export interface BodyFormat {
  /** Content-Type. */
  readonly contentType: string;
  /** X-Prometheus-Remote-Write-Version. */
  readonly version: string;
}

/** Delivers request bodies. */
export interface Transport {
  /** Resolves with any answer; rejects with a `TransportError` after `timeoutMs`, when `signal` aborts, or on a network failure. */
  post(body: Uint8Array, timeoutMs: number, signal: AbortSignal, format: BodyFormat): Promise<HttpResponse>;
  close(): void;
}

/** The real thing, over `connections` kept connections (default 1). */
export class HttpTransport implements Transport {
  readonly #config: RemoteWriteConfig;
  readonly #userAgent: string;
  readonly #client: HttpClient;

  constructor(config: RemoteWriteConfig, version: string, connections = 1) {
    this.#config = config;
    this.#userAgent = `k6d/${version}`;
    this.#client = new HttpClient({
      connections,
      tls: {
        skipVerification: config.insecureSkipTlsVerify,
        minVersion: config.tlsMinVersion,
        caCertificate: config.caCertificate,
        clientCertificate: config.clientCertificate,
      },
    });
  }

  post(body: Uint8Array, timeoutMs: number, signal: AbortSignal, format: BodyFormat): Promise<HttpResponse> {
    const { url } = this.#config;
    return this.#client.send({ url, headers: this.#headers(body, format), body, timeoutMs, signal });
  }

  close(): void {
    this.#client.close();
  }

  #headers(body: Uint8Array, { contentType, version }: BodyFormat): Record<string, string> {
    const { authentication, url } = this.#config;
    const headers: Record<string, string> = {
      ...Object.fromEntries(this.#config.headers),
      "Content-Encoding": "snappy",
      "Content-Type": contentType,
      "User-Agent": this.#userAgent,
      "X-Prometheus-Remote-Write-Version": version,
    };
    switch (authentication.kind) {
      case "basic":
        return { ...headers, Authorization: `Basic ${basicCredentials(authentication)}` };
      case "bearer":
        return { ...headers, Authorization: `Bearer ${authentication.token}` };
      case "sigv4": {
        const date = amzDate(Date.now());
        const payloadHash = sha256Hex(body);
        Object.assign(headers, { Host: url.host, "X-Amz-Date": date, "X-Amz-Content-Sha256": payloadHash });
        const signed = Object.entries({ ...headers, "Content-Length": String(body.length) });
        const request = {
          method: "POST",
          path: url.pathname,
          query: url.search.slice(1),
          headers: signed,
          payloadHash,
        };
        return { ...headers, Authorization: sigV4Authorization(request, { ...authentication, service: "aps" }, date) };
      }
      case "none":
        return headers;
    }
  }
}
