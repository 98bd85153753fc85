import { renderHelp, wrap, type HelpGroup } from "@vllm-router/config";

import { launcherFlags } from "./own-flags.ts";

/**
 * The text of `vllm-serve --help`.
 * @param columns of the terminal; used between 60 and 100
 */
export function helpText(columns: number): string {
  const width = Math.min(100, Math.max(60, columns));
  return [
    "Usage: vllm-serve [MODEL] --enable-router-as-api-server [flags]",
    "       vllm-serve [MODEL] --headless [--port 50051] [flags]",
    "       vllm-serve [MODEL] [flags]        the same as vllm serve",
    "       vllm-serve --demo                 no GPU, no vLLM: two simulated engines",
    "",
    ...wrap(
      "Starts vLLM engines on this machine and the router in front of them, as one command. MODEL is a local directory or a name on the hub; without it vLLM takes its own default.",
      width,
    ),
    "",
    renderHelp(groups, width),
    "",
    "Examples:",
    "  vllm-serve Qwen/Qwen3-0.6B --enable-router-as-api-server --port 8000",
    "  vllm-serve Qwen/Qwen3-0.6B --enable-router-as-api-server --router-policy round_robin",
    "  vllm-serve Qwen/Qwen3-0.6B --headless --port 50051      (on each node, then vllm-router)",
    "",
  ].join("\n");
}

const groups: readonly HelpGroup[] = [
  {
    title: "Modes and engines",
    entries: [
      ...launcherFlags.slice(0, 1),
      {
        usage: "--headless",
        doc: "Start one engine that listens for a vllm-router on another machine, on --host and --port (0.0.0.0:50051). The port has no authentication. With vLLM's own multi-node flags (--data-parallel-address, --data-parallel-rpc-port, --data-parallel-start-rank, --nnodes) it is vLLM's --headless.",
      },
      ...launcherFlags.slice(1),
    ],
  },
  {
    title: "Router",
    entries: [
      { usage: "--host HOST, --port PORT", doc: "Where the router listens. [0.0.0.0:8000]" },
      {
        usage: "--router-X VALUE",
        doc: "Any flag --X of the router: --router-policy, --router-queue-size, --router-log-level ... See vllm-router --help.",
      },
    ],
  },
  {
    title: "vLLM",
    entries: [
      {
        usage: "any flag of vllm serve",
        doc: "Flags of the HTTP front end (--chat-template, --served-model-name, --response-role ...) go to the router, all others to the engine. One that the router does not implement yet stops the start and names itself. See vllm serve --help=all.",
      },
      { usage: "--config FILE", doc: "vLLM's YAML file of flags; flags given here win." },
      {
        usage: "--simulator-X VALUE",
        doc: "With --engine simulator or --demo: any flag --X of vllm-simulator.",
      },
    ],
  },
  {
    title: "Program",
    entries: [
      { usage: "--help, -h", doc: "This text." },
      { usage: "--version, -V", doc: "The version." },
    ],
  },
];
