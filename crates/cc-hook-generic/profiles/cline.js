// Written by `cc-connect install cline`; `cc-connect uninstall cline` removes it.
import { spawn } from "node:child_process";

const HOOK = {hook_command};
const MID_TURN = {mid_turn};
// Cline gives a hook 3 seconds and fails the prompt beyond them.
const WAIT_MS = 2000;
const ANSWER_CHARS_MAX = 65536;

let session;
let directory;
let started = false;

// What the hook has to tell, or "" where it does not say in time; never rejects.
const ask = (event) =>
  new Promise((resolve) => {
    let child;
    let timer;
    let out = "";
    let running = false;
    const end = (code) => {
      clearTimeout(timer);
      try { if (running) child.kill("SIGKILL"); } catch {}
      try { child.stdout.destroy(); } catch {}
      running = false;
      let text = "";
      try {
        const { context } = code === 0 ? JSON.parse(out) : {};
        if (typeof context === "string") text = context;
      } catch {}
      resolve(text);
    };
    try {
      child = spawn(HOOK[0], HOOK.slice(1), { cwd: directory, stdio: ["pipe", "pipe", "ignore"] });
      running = true;
      timer = setTimeout(() => end(null), WAIT_MS);
      child.on("error", () => { running = false; end(null); });
      // A process that it left behind may hold its output open: "close" would wait for that.
      child.on("exit", (code) => { running = false; setTimeout(() => end(code), 100); });
      child.on("close", (code) => end(code));
      child.stdin.on("error", () => {});
      child.stdout.on("error", () => {});
      child.stdout.setEncoding("utf8");
      child.stdout.on("data", (part) => { if ((out += part).length > ANSWER_CHARS_MAX) end(null); });
      child.stdin.end(JSON.stringify({ v: 1, event, session, directory }));
    } catch {
      end(null);
    }
  });

export default {
  name: "cc-connect",
  manifest: { capabilities: ["hooks"] },
  setup(_api, context) {
    session = context?.session?.sessionId;
    directory = context?.workspaceInfo?.rootPath ?? process.cwd();
  },
  hooks: {
    async beforeRun(context) {
      try {
        // A subagent's run is not a human's prompt.
        if (context?.snapshot?.parentAgentId) return undefined;
        const [orientation, unread] = await Promise.all([started ? "" : ask("start"), ask("prompt")]);
        // Where there was no room yet, there may be one at the next prompt.
        started ||= orientation !== "";
        const appendContext = [orientation, unread].filter((text) => text !== "").join("\n\n");
        return appendContext === "" ? undefined : { appendContext };
      } catch {
        return undefined;
      }
    },
    async afterTool(context) {
      try {
        if (!MID_TURN || context?.snapshot?.parentAgentId) return undefined;
        const appendContext = await ask("tool");
        return appendContext === "" ? undefined : { appendContext };
      } catch {
        return undefined;
      }
    },
  },
};
