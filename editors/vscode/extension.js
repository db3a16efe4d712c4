// Starts `zeta lsp` for files of rules. All knowledge of the language is the server's.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const command = vscode.workspace.getConfiguration("zeta").get("path") || "zeta";
  client = new LanguageClient(
    "zeta",
    "zeta rules",
    { command, args: ["lsp"] },
    {
      documentSelector: [{ language: "zeta" }],
      // The server looks at the files on disk again when rules beside the open ones change.
      synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/*.expr") },
    },
  );
  try {
    await client.start();
  } catch (err) {
    client = undefined;
    const choice = await vscode.window.showErrorMessage(
      `The language server could not be started with "${command} lsp": ${err.message ?? err}`,
      "Set zeta.path",
    );
    if (choice) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "zeta.path");
    }
  }
}

async function stop() {
  const old = client;
  client = undefined;
  await old?.stop();
}

exports.activate = async function (context) {
  const restart = async () => {
    await stop();
    await start();
  };
  context.subscriptions.push(
    vscode.commands.registerCommand("zeta.restart", restart),
    vscode.workspace.onDidChangeConfiguration((e) => e.affectsConfiguration("zeta.path") && restart()),
  );
  await start();
};

exports.deactivate = stop;
