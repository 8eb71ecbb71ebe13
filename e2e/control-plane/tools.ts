/** Finds the programs that tests and the demo need, or says in one sentence what is missing. */

import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { build, progressOnStderr } from './build.ts'
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
  return installed === null ? [(await build(progress)).clusterTools, 'helm'] : [installed]
}

/** The kubectl beside KUBEBUILDER_ASSETS' programs, else the one of our own build. */
export async function kubectlCommand(progress: Progress = progressOnStderr): Promise<Command> {
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? ''
  if (assets !== '' && isProgram(join(assets, 'kubectl'))) return [join(assets, 'kubectl')]
  return [(await build(progress)).clusterTools, 'kubectl']
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
