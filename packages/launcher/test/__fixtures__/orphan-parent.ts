// A parent to be killed: starts what the arguments say under a launcher and prints one JSON line when it is ready.
import { createLauncher } from "@vllm-router/launcher";

const launcher = createLauncher({
  line: (_name, _stream, text) => {
    process.stdout.write(`${text}\n`);
  },
});
const [command = "", ...args] = process.argv.slice(2);
const supervised = await launcher.start({
  name: "engine 0",
  command,
  args,
  environment: process.env,
  probe: { kind: "none" },
});
await supervised.exited;
