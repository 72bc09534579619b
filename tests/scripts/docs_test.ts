import { assertEquals } from "@std/assert";
import { outputNames } from "../../src/output/outputs.ts";
import { exists, listFiles, ROOT } from "../../scripts/repository.ts";

const PAGES = ["README.md", ...listFiles("docs", ".md")];

Deno.test("every file that the documentation names exists", () => {
  const missing = PAGES.flatMap((page) =>
    [...read(page).matchAll(/`((?:src|tests|scripts|examples)\/[\w./-]+)`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => !exists(ROOT + path))
      .map((path) => `${page} names ${path}`)
  );
  assertEquals(missing, []);
});

Deno.test("every link inside the documentation leads to a page and a heading", () => {
  const broken = PAGES.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:)([^)\s]*)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !leadsSomewhere(page, link))
      .map((link) => `${page} links to ${link}`)
  );
  assertEquals(broken, []);
});

Deno.test("every output has a page that the overview links to; a page names the output's old names", () => {
  const links = [...read("docs/outputs/README.md").matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, page = ""]) => page);
  const pages = links.map((page) => read(`docs/outputs/${page}`));
  const isOldName = (name: string) => /^(experimental|output|xk6)-/.test(name);
  const missing = outputNames.filter((name) =>
    isOldName(name) ? !pages.some((page) => page.includes(`\`${name}\``)) : !links.includes(`${name}.md`)
  );
  assertEquals(missing, []);
});

function leadsSomewhere(page: string, link: string): boolean {
  const target = new URL(link, `file://${ROOT}${page}`);
  const path = decodeURIComponent(target.pathname);
  if (!exists(path)) return false;
  return target.hash === "" || headings(path.replace(ROOT, "")).includes(target.hash.slice(1));
}

/** The anchors of a page's headings, made as code hosts make them. */
function headings(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

function read(page: string): string {
  return Deno.readTextFileSync(ROOT + page);
}
