/** What Prometheus' users read about k6d's own metrics. */

import type { MetricDefinition } from "../../metrics/types.ts";

const TEXTS: Readonly<Record<string, string>> = {
  vus: "Number of active virtual users",
  vus_max: "Number of allocated virtual users",
  iterations: "Number of complete iterations",
  iteration_duration: "Duration of an iteration, with sleeps",
  iteration_start_delay: "Time from an iteration's intended start to its start",
  dropped_iterations: "Number of iterations that could not be started",
  checks: "Share of successful checks",
  group_duration: "Duration of a group, with sleeps",
  http_reqs: "Number of HTTP requests",
  http_req_failed: "Share of failed HTTP requests",
  http_req_duration: "Time to send a request, wait for the response and receive it",
  http_req_blocked: "Time that a request waited for a connection",
  http_req_connecting: "Time to establish the TCP connection",
  http_req_tls_handshaking: "Time of the TLS handshake",
  http_req_sending: "Time to send the request",
  http_req_waiting: "Time from the request's end to the response's first byte",
  http_req_receiving: "Time to receive the response",
  ws_connecting: "Time to establish a WebSocket connection",
  ws_msgs_received: "Number of WebSocket messages received",
  ws_msgs_sent: "Number of WebSocket messages sent",
  ws_ping: "Time from a WebSocket ping to its pong",
  ws_session_duration: "Duration of a WebSocket session",
  ws_sessions: "Number of WebSocket sessions",
  grpc_req_duration: "Duration of a gRPC request",
  data_sent: "Bytes sent",
  data_received: "Bytes received",
};

/** One line about a metric. */
export function helpText({ name, type }: MetricDefinition): string {
  return TEXTS[name] ?? `Custom ${type} of the test script`;
}
