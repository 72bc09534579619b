/** The pages of the documentation that are made of tables in the sources. */

import { cloudSettingsPage } from "./cloud_settings_page.ts";
import { optionsPage } from "./options_page.ts";

/** A page. */
export interface GeneratedPage {
  /** Relative to the repository's root. */
  readonly file: string;
  /** Its Markdown, not formatted yet. */
  readonly text: () => string;
}

/** All of them. */
export const PAGES: readonly GeneratedPage[] = [
  { file: "docs/options.md", text: optionsPage },
  { file: "docs/outputs/cloud/settings.md", text: cloudSettingsPage },
];
