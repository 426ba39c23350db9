// Written by `cc-connect install opencode`; `cc-connect uninstall opencode` removes it.
import { spawn } from "node:child_process"
import { watch } from "node:fs"

const HOOK = {hook_command}
const TOOLS = {tools_command}
const MID_TURN = {mid_turn}
const WAIT_MS = 5000
const ANSWER_CHARS_MAX = 65536

// What the hook said and how it ended, or "" and null where it did not in time; never rejects.
const ask = (event, directory) => new Promise((done) => {
  let child, timer
  let out = ""
  let err = ""
  let running = false
  const end = (code) => {
    clearTimeout(timer)
    // Only while it runs: what it started, such as a daemon, outlives it.
    try { if (running) process.kill(-child.pid, "SIGKILL") } catch {}
    try { child.stdout.destroy() } catch {}
    try { child.stderr.destroy() } catch {}
    running = false
    done({ code, out, err })
  }
  try {
    child = spawn(HOOK[0], HOOK.slice(1), { cwd: directory, stdio: ["pipe", "pipe", "pipe"], detached: true })
    running = true
    timer = setTimeout(() => end(null), WAIT_MS)
    child.on("error", () => { running = false; end(null) })
    // A process that it left behind may hold its output open: "close" would wait for that.
    child.on("exit", (code) => { running = false; setTimeout(() => end(code), 100) })
    child.on("close", (code) => end(code))
    child.stdin.on("error", () => {})
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("error", () => {})
      stream.setEncoding("utf8")
    }
    child.stdout.on("data", (text) => { if ((out += text).length > ANSWER_CHARS_MAX) end(null) })
    child.stderr.on("data", (text) => { err = (err + text).slice(0, 1024) })
    child.stdin.end(JSON.stringify(event))
  } catch {
    end(null)
  }
})

const answer = async (event, session, directory) => {
  try {
    const { code, out } = await ask({ v: 1, event, session, directory }, directory)
    const said = code === 0 ? JSON.parse(out) : {}
    return typeof said === "object" && said !== null ? said : {}
  } catch {
    return {}
  }
}

const textOf = (said) => (typeof said.context === "string" ? said.context : "")

export const CcConnect = async ({ client, directory }) => {
  const known = new Set()

  // Wakes an idle session with the hook's own fixed words, if the hook sees a reason to.
  const wake = async (session) => {
    try {
      const { code, err } = await ask({ v: 1, event: "wake", session, directory }, directory)
      const text = err.trim()
      if (code !== 2 || text === "") return
      await client.session.promptAsync({ path: { id: session }, body: { parts: [{ type: "text", text, synthetic: true }] } })
    } catch {}
  }

  const watchFor = (session, files) => {
    for (const file of Array.isArray(files) ? files : []) {
      try {
        let soon
        const watcher = watch(file, { persistent: false }, () => {
          clearTimeout(soon)
          soon = setTimeout(() => wake(session), 200)
        })
        watcher.on("error", () => {})
      } catch {}
    }
  }

  const start = async (session) => {
    if (known.has(session)) return ""
    known.add(session)
    const said = await answer("start", session, directory)
    // Where there was no room yet, there may be one at the next prompt.
    if (textOf(said) === "") known.delete(session)
    else watchFor(session, said.watch)
    return textOf(said)
  }

  return {
    config: async (config) => {
      try {
        config.mcp ??= {}
        config.mcp["cc-connect"] ??= { type: "local", command: TOOLS, enabled: true }
      } catch {}
    },
    "chat.message": async (input, output) => {
      try {
        const last = output.parts.at(-1)
        if (!last) return
        const texts = await Promise.all([
          start(input.sessionID),
          answer("prompt", input.sessionID, directory).then(textOf),
        ])
        texts.forEach((text, index) => {
          if (text === "") return
          output.parts.push({
            // Parts are put in the order of their ids.
            id: `${last.id}${index}`,
            sessionID: last.sessionID,
            messageID: last.messageID,
            type: "text",
            text,
            synthetic: true,
          })
        })
      } catch {}
    },
    "tool.execute.after": async (input, output) => {
      try {
        if (!MID_TURN) return
        const text = textOf(await answer("tool", input.sessionID, directory))
        if (text !== "") output.output += `\n\n${text}`
      } catch {}
    },
  }
}
