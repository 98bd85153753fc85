import { routerSettings, type FlagArity, type OwnFlag, type Setting } from "@vllm-router/config";

/** A flag of `vllm-serve` with its help. */
export interface DocumentedFlag extends OwnFlag {
  readonly usage: string;
  readonly doc: string;
}

/** The flags of `vllm-serve` that vLLM does not have. */
export const launcherFlags: readonly DocumentedFlag[] = [
  {
    name: "enable-router-as-api-server",
    arity: "boolean",
    usage: "--enable-router-as-api-server",
    doc: "Start the engine on 127.0.0.1 and the router in front of it, on --host and --port (0.0.0.0:8000).",
  },
  {
    name: "engine",
    arity: "one",
    usage: "--engine NAME",
    doc: "Program of the engine: vllm, vllm-rs, simulator (no GPU needed), or auto, which takes what is installed and never the simulator. [auto]",
  },
  {
    name: "engine-count",
    arity: "one",
    usage: "--engine-count N",
    doc: "How many engines to start behind the router. [1]",
  },
  {
    name: "engine-port",
    arity: "one",
    usage: "--engine-port PORT",
    doc: "Port of the first engine; the others follow. [the next free one from 50051]",
  },
  {
    name: "demo",
    arity: "boolean",
    usage: "--demo",
    doc: "Two simulated engines and the router on http://127.0.0.1:8000.",
  },
];

/** Settings of the router that `vllm-serve` decides itself. */
const decided: readonly string[] = ["host", "port", "worker-urls"];

/** The router's settings that `--router-*` may set. */
export function forwardedSettings(): readonly (Setting & { readonly flag: string })[] {
  return routerSettings(["cache_aware"]).flatMap((setting) =>
    setting.flag === null || decided.includes(setting.flag) ? [] : [{ ...setting, flag: setting.flag }],
  );
}

/** Every flag that is not vLLM's, for splitting a command line. */
export function ownFlags(): readonly OwnFlag[] {
  const router = forwardedSettings().flatMap((setting) =>
    [setting.flag, ...setting.aliases].map((flag) => ({
      name: `router-${flag}`,
      arity: arityOf(setting),
    })),
  );
  return [...launcherFlags, ...router];
}

function arityOf(setting: Setting): FlagArity {
  if (setting.kind === "boolean") return "boolean";
  return setting.kind === "list" ? "several" : "one";
}
