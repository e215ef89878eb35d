// What needs no editor, so that it is tested without one.
'use strict'

const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')

/** How to start `publisher`: the setting's words, a path among them taken from the folder that is open. */
function commandOf (setting, folder) {
  const [first = 'publisher', ...rest] = Array.isArray(setting) ? setting : [setting]
  const relative = /[\\/]/.test(first) && !path.isAbsolute(first)
  return { command: relative && folder ? path.join(folder, first) : first, args: rest }
}

/** The language server, as vscode-languageclient starts it: on standard input and output. */
function serverOf (setting, folder, language) {
  const { command, args } = commandOf(setting, folder)
  return { command, args: [...args, '--lang', language, 'lsp', '--stdio'], options: { cwd: folder } }
}

/** The folder of the newsletter that a file is in: the nearest config.yaml above it; undefined for none. */
function rootOf (file, exists = fs.existsSync) {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    if (exists(path.join(folder, 'config.yaml'))) return folder
    if (folder === path.dirname(folder)) return undefined
  }
}

/** The slug of the issue that a file is of; undefined for none. */
function slugOf (root, file) {
  const [issues, slug, name] = path.relative(root, file).split(path.sep)
  return issues === 'issues' && name && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(slug) ? slug : undefined
}

/** The preview of a newsletter on a port, and the address that shows an issue. */
function previewOf (setting, folder, root, port) {
  const { command, args } = commandOf(setting, folder)
  return { command, args: [...args, '--root', root, 'preview', '--port', String(port), '--editor'] }
}

function addressOf (port, slug) {
  return `http://127.0.0.1:${port}/${slug ? `#issue=${slug}` : ''}`
}

/** A port of this machine that nobody listens on. */
function freePort () {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

/** Wait until somebody listens on a port; rejects when `gone()` or after so many milliseconds. */
async function listening (port, gone = () => false, most = 30000) {
  for (const begun = Date.now(); Date.now() - begun < most && !gone();) {
    const there = await new Promise(resolve => {
      const socket = net.connect(port, '127.0.0.1')
      socket.once('connect', () => { socket.destroy(); resolve(true) }).once('error', () => resolve(false))
    })
    if (there) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error('publisher preview did not start; type it in a terminal to see why')
}

module.exports = { addressOf, commandOf, freePort, listening, previewOf, rootOf, serverOf, slugOf }
