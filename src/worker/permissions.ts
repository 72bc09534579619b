/** What Deno allows a worker thread: a script's code runs in there, so it gets the network and nothing else. */
export const WORKER_PERMISSIONS: Deno.PermissionOptionsObject = {
  net: true,
  read: false,
  write: false,
  env: false,
  run: false,
  ffi: false,
  sys: false,
  import: false,
};
