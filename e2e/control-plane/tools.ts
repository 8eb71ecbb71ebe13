/** Finds the programs that tests and the demo need, or says in one sentence what is missing. */

import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { build, findBuild, progressOnStderr } from './build.ts'
import type { Progress } from './build.ts'
import { Mistake } from './mistake.ts'

/** A program and the arguments that come before the caller's. */
export type Command = readonly string[]

export interface ControlPlanePrograms {
  readonly etcd: Command
  readonly apiServer: Command
  /** Null with KUBEBUILDER_ASSETS: namespaces then stay Terminating, and nothing is garbage-collected. */
  readonly controllerManager: Command | null
}

/** From KUBEBUILDER_ASSETS if that is set, else our own build. */
export async function controlPlanePrograms(
  progress: Progress = progressOnStderr,
): Promise<ControlPlanePrograms> {
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? ''
  if (assets !== '') {
    return {
      etcd: [inAssets(assets, 'etcd')],
      apiServer: [inAssets(assets, 'kube-apiserver')],
      controllerManager: null,
    }
  }
  const { controlPlane } = await build(progress)
  return {
    etcd: [controlPlane, 'etcd'],
    apiServer: [controlPlane, 'kube-apiserver'],
    controllerManager: [controlPlane, 'kube-controller-manager'],
  }
}

/** The helm on PATH, else the one of our own build. */
export async function helmCommand(progress: Progress = progressOnStderr): Promise<Command> {
  const installed = onPath('helm')
  return installed === null ? await ownTool('helm', progress) : [installed]
}

/** The kubectl beside KUBEBUILDER_ASSETS' programs, else the one of our own build, else, without Go, the one on PATH. */
export async function kubectlCommand(progress: Progress = progressOnStderr): Promise<Command> {
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? ''
  if (assets !== '' && isProgram(join(assets, 'kubectl'))) return [join(assets, 'kubectl')]
  const installed = onPath('kubectl')
  return installed !== null && !isOnPath('go') && (await findBuild()) === null
    ? [installed]
    : await ownTool('kubectl', progress)
}

/** Whether the person at the keyboard can call `name`. */
export function isOnPath(name: string): boolean {
  return onPath(name) !== null
}

async function ownTool(name: 'helm' | 'kubectl', progress: Progress): Promise<Command> {
  if (!isOnPath('go') && (await findBuild()) === null) {
    throw new Mistake(
      `There is no ${name} on PATH, and no Go 1.26 or newer to build one from source: install one of the two and run this again.`,
    )
  }
  return [(await build(progress)).clusterTools, name]
}

function inAssets(assets: string, name: string): string {
  const path = join(assets, name)
  if (isProgram(path)) return path
  throw new Mistake(
    `KUBEBUILDER_ASSETS is set to ${assets}, but no program ${name} is there: set it to a folder with etcd and kube-apiserver, or unset it.`,
  )
}

function onPath(name: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
