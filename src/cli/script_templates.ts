/** The templates of `k6d new`. */

/** Each template by its name: a script, with the project of Grafana Cloud k6 in it unless the id is empty. */
export const BUILTIN_TEMPLATES: ReadonlyMap<string, (projectId: string) => string> = new Map([
  ["minimal", minimal],
  ["protocol", protocol],
  ["browser", browser],
]);

function cloud(projectId: string): string {
  return projectId === "" ? "" : `  cloud: { projectID: ${projectId} },\n`;
}

function minimal(projectId: string): string {
  return `import http from "k6/http";
import { check, sleep } from "k6";

export const options = {
  vus: 10,
  duration: "30s",
${cloud(projectId)}};

export default function () {
  const response = http.get("https://quickpizza.grafana.com");
  check(response, { "status is 200": (r) => r.status === 200 });
  sleep(1);
}
`;
}

function protocol(projectId: string): string {
  return `import http from "k6/http";
import exec from "k6/execution";
import { check, fail, sleep } from "k6";

const BASE_URL = __ENV.BASE_URL || "https://quickpizza.grafana.com";

export const options = {
  scenarios: {
    order_pizza: {
      executor: "ramping-vus",
      stages: [
        { duration: "30s", target: 10 },
        { duration: "1m", target: 10 },
        { duration: "30s", target: 0 },
      ],
      gracefulRampDown: "10s",
    },
  },
  thresholds: {
    http_req_failed: ["rate<0.01"],
    http_req_duration: ["p(95)<500"],
  },
${cloud(projectId)}};

// Runs once, before the virtual users start.
export function setup() {
  const response = http.get(BASE_URL);
  if (response.status !== 200) {
    exec.test.abort(\`\${BASE_URL} answered \${response.status}; is it the right address?\`);
  }
  return { startedAt: new Date().toISOString() };
}

// Runs again and again, in each virtual user.
export default function () {
  const order = { maxCaloriesPerSlice: 500, mustBeVegetarian: true };
  const response = http.post(\`\${BASE_URL}/api/pizza\`, JSON.stringify(order), {
    headers: { "Content-Type": "application/json", Authorization: "token abcdef0123456789" },
  });
  const ordered = check(response, {
    "status is 200": (r) => r.status === 200,
    "there is a pizza": (r) => r.json("pizza.name") !== undefined,
  });
  if (!ordered) fail(\`no pizza: \${response.status}\`);
  sleep(1);
}

// Runs once, at the end.
export function teardown(data) {
  console.log(\`the test that began at \${data.startedAt} is over\`);
}
`;
}

function browser(projectId: string): string {
  return `import { browser } from "k6/browser";
import { check } from "k6";

export const options = {
  scenarios: {
    ui: {
      executor: "shared-iterations",
      vus: 1,
      iterations: 1,
      options: { browser: { type: "chromium" } },
    },
  },
${cloud(projectId)}};

export default async function () {
  const page = await browser.newPage();
  try {
    await page.goto("https://quickpizza.grafana.com");
    const heading = await page.locator("h1").textContent();
    check(heading, { "there is a heading": (text) => text.length > 0 });
  } finally {
    await page.close();
  }
}
`;
}
