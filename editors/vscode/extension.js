'use strict'

const { spawn } = require('node:child_process')
const vscode = require('vscode')
const { LanguageClient } = require('vscode-languageclient/node')
const lib = require('./lib')

const FILES = ['**/issues/*/*.{md,markdown,yaml,yml}', '**/config.yaml']
const previews = new Map() // by root: the port, and the process
let client

const setting = name => vscode.workspace.getConfiguration('publisher').get(name)
const folder = () => vscode.workspace.workspaceFolders?.[0]?.uri.fsPath

async function startServer () {
  const server = lib.serverOf(setting('command'), folder(), setting('language')) // says --stdio itself
  const documentSelector = FILES.flatMap(pattern =>
    ['markdown', 'yaml'].map(language => ({ scheme: 'file', language, pattern })))
  const fileEvents = [...FILES, '**/issues/*/images/*'].map(one => vscode.workspace.createFileSystemWatcher(one))
  client = new LanguageClient('publisher', 'publisher', server, { documentSelector, synchronize: { fileEvents } })
  try {
    await client.start()
  } catch (error) {
    const told = `publisher lsp did not start: ${error.message ?? error}. ` + // a server not found is told as a string
      "Install it with pip install 'newsletter-publisher[editor]', or set publisher.command."
    if (await vscode.window.showErrorMessage(told, 'Settings')) {
      vscode.commands.executeCommand('workbench.action.openSettings', 'publisher.command')
    }
  }
}

async function openPreview () {
  const file = vscode.window.activeTextEditor?.document.uri.fsPath
  const root = file && lib.rootOf(file)
  if (!root) {
    vscode.window.showWarningMessage('Open a file of a newsletter first: one below a config.yaml.')
    return
  }
  try {
    const port = await previewPort(root)
    const uri = await vscode.env.asExternalUri(vscode.Uri.parse(lib.addressOf(port, lib.slugOf(root, file))))
    const beside = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }
    await vscode.commands.executeCommand('simpleBrowser.api.open', uri, beside)
  } catch (error) {
    vscode.window.showErrorMessage(error.message)
  }
}

async function previewPort (root) {
  const known = previews.get(root)
  if (known?.process.exitCode === null) return known.port
  const port = await lib.freePort()
  const { command, args } = lib.previewOf(setting('command'), folder(), root, port)
  const process = spawn(command, args, { cwd: root, stdio: 'ignore' })
  let gone = false
  process.once('error', () => { gone = true }).once('exit', () => { gone = true })
  previews.set(root, { port, process })
  await lib.listening(port, () => gone)
  return port
}

async function activate (context) {
  context.subscriptions.push(
    vscode.commands.registerCommand('publisher.preview', openPreview),
    vscode.commands.registerCommand('publisher.restart', async () => { await client?.stop(); await startServer() })
  )
  await startServer()
}

async function deactivate () {
  for (const { process } of previews.values()) process.kill()
  await client?.stop()
}

module.exports = { activate, deactivate }
