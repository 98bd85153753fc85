import { renderHelp, settingGroups, wrap } from "./help.ts";
import { routerSettings } from "./router-config.ts";

/** How help is laid out. */
export interface RouterHelpOptions {
  readonly policies: readonly string[];
  /** Columns of the terminal; used between 60 and 100. Default 100. */
  readonly width?: number;
}

/** The text of `vllm-router --help`. */
export function routerHelp(options: RouterHelpOptions): string {
  const width = Math.min(100, options.width ?? 100);
  const intro =
    "Serves the OpenAI-compatible HTTP API of vLLM in front of any number of engines and sends each request to the engine that can answer it best.";
  const sources =
    "Every flag can also be set in the environment (VLLM_ROUTER_ and the flag in capitals: VLLM_ROUTER_WORKER_URLS, values separated by commas) and in the file. Flags win over the environment, the environment over the file, the file over the defaults. Booleans also have a --no- form.";
  return [
    "Usage: vllm-router --worker-urls URL... [flags]",
    "       vllm-router check-config [--explain] [flags]",
    "       vllm-router replay FILE [--policy-file FILE]",
    "",
    ...wrap(intro, width),
    "",
    renderHelp([...settingGroups(routerSettings(options.policies)), programGroup], width),
    "",
    ...wrap(sources, width),
    "",
    "Example:",
    "  vllm-router --worker-urls http://n1:50051 http://n2:50051 --policy cache_aware --port 8000",
    "",
  ].join("\n");
}

const programGroup = {
  title: "Program",
  entries: [
    {
      usage: "--config FILE",
      doc: "YAML or JSON file with the settings of docs/configuration.md (VLLM_ROUTER_CONFIG).",
    },
    { usage: "--help, -h", doc: "This text." },
    { usage: "--version, -V", doc: "The version." },
    {
      usage: "check-config [--explain]",
      doc: "Check the configuration and stop; --explain prints each value and where it came from.",
    },
    {
      usage: "replay FILE",
      doc: "Decide what --decision-log wrote again and say whether the decisions are the same; status 1 when they are not. --policy-file FILE for decisions of a policy of your own.",
    },
  ],
};
