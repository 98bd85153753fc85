import { type MessagePort, parentPort } from "node:worker_threads";
import { TokenizingDesk } from "./tokenizing-desk.ts";
import type { ToTokenizingThread } from "./tokenizing-messages.ts";

// A thread that encodes long texts beside the requests. Started by `tokenizing-threads.ts`.

const port = parentPort as MessagePort;
const desk = new TokenizingDesk();
port.on("message", (message: ToTokenizingThread) => {
  const answer = desk.receive(message);
  if (answer !== undefined) {
    port.postMessage(answer, answer.kind === "encoded" ? [answer.ids.buffer] : []);
  }
});
