'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const net = require('node:net')
const path = require('node:path')
const Module = require('node:module')
const lib = require('../lib')
const manifest = require('../package.json')

test('the command is a list of words, and a path in it is taken from the open folder', () => {
  assert.deepEqual(lib.commandOf(['publisher'], '/n'), { command: 'publisher', args: [] })
  assert.deepEqual(lib.commandOf('publisher', '/n'), { command: 'publisher', args: [] })
  assert.deepEqual(lib.commandOf(['.venv/bin/publisher'], '/n'), { command: path.join('/n', '.venv/bin/publisher'), args: [] })
  assert.deepEqual(lib.commandOf(['uv', 'run', 'publisher'], '/n'), { command: 'uv', args: ['run', 'publisher'] })
  assert.deepEqual(lib.commandOf(['/opt/publisher'], '/n'), { command: '/opt/publisher', args: [] })
})

test('the server speaks on standard input and output, in the language of the setting', () => {
  const server = lib.serverOf(['publisher'], '/n', 'zh')
  assert.deepEqual(server.args, ['--lang', 'zh', 'lsp', '--stdio'])
  assert.equal(server.options.cwd, '/n')
})

test('the newsletter is the nearest config.yaml above a file', () => {
  const there = new Set(['/a/config.yaml', '/a/b/config.yaml'])
  const exists = file => there.has(file)
  assert.equal(lib.rootOf('/a/b/issues/x/01.md', exists), '/a/b')
  assert.equal(lib.rootOf('/a/issues/x/01.md', exists), '/a')
  assert.equal(lib.rootOf('/z/01.md', exists), undefined)
})

test('the preview opens at the issue that a file is of', () => {
  assert.equal(lib.slugOf('/a', '/a/issues/2025-01-05-weekly/01.md'), '2025-01-05-weekly')
  for (const other of ['/a/config.yaml', '/a/issues/x.md', '/a/issues/Bad Slug/01.md', '/b/issues/x/01.md']) {
    assert.equal(lib.slugOf('/a', other), undefined)
  }
  assert.equal(lib.addressOf(9, 'x'), 'http://127.0.0.1:9/#issue=x')
  assert.equal(lib.addressOf(9), 'http://127.0.0.1:9/')
  const { args } = lib.previewOf(['publisher'], '/n', '/n/with space', 9)
  assert.deepEqual(args, ['--root', '/n/with space', 'preview', '--port', '9', '--editor'])
})

test('a free port is free, and somebody who listens is heard', async () => {
  const port = await lib.freePort()
  await assert.rejects(lib.listening(port, () => true), /did not start/)
  const server = net.createServer().listen(port, '127.0.0.1')
  await lib.listening(port)
  server.close()
})

test('the extension registers the commands that it names, stops what it started, and tells why it did not start', async () => {
  const registered = []
  const asked = []
  const told = []
  let fault
  const vscode = {
    window: { showErrorMessage: async message => { told.push(message) } },
    workspace: {
      getConfiguration: () => ({ get: name => manifest.contributes.configuration.properties[`publisher.${name}`].default }),
      workspaceFolders: [{ uri: { fsPath: '/n' } }],
      createFileSystemWatcher: pattern => pattern
    },
    commands: { registerCommand: name => registered.push(name) }
  }
  class LanguageClient {
    constructor (id, name, server, options) { asked.push({ server, options }) }
    async start () {
      asked.push('start')
      if (fault) return Promise.reject(fault) // vscode-languageclient rejects with a string where there is no command
    }

    async stop () { asked.push('stop') }
  }
  const load = Module._load
  Module._load = (name, ...rest) =>
    name === 'vscode' ? vscode : name === 'vscode-languageclient/node' ? { LanguageClient } : load(name, ...rest)
  try {
    const extension = require('../extension')
    await extension.activate({ subscriptions: [] })
    await extension.deactivate()
    fault = 'Launching server using command publisher failed'
    await extension.activate({ subscriptions: [] })
  } finally {
    Module._load = load
  }
  assert.deepEqual(registered.slice(0, 2), manifest.contributes.commands.map(one => one.command))
  assert.deepEqual(asked.slice(1, 3), ['start', 'stop'])
  assert.match(told[0], /did not start: Launching server using command publisher failed\. Install/)
  assert.deepEqual(new Set(asked[0].options.documentSelector.map(one => one.language)), new Set(['markdown', 'yaml']))
  assert.deepEqual(asked[0].server.args, ['--lang', 'en', 'lsp', '--stdio'])
})
