// Command cluster-tools is the official helm and kubectl in one binary, chosen by the first argument:
// the chart is rendered, and mirrors are edited as users edit them, by the tools that users have.
package main

import (
	"errors"
	"fmt"
	"os"

	helm "helm.sh/helm/v4/pkg/cmd"
	"helm.sh/helm/v4/pkg/kube"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: cluster-tools helm|kubectl [arguments]")
		os.Exit(2)
	}
	tool := os.Args[1]
	// Each tool parses os.Args itself, so its name takes the place of the program's name.
	os.Args = os.Args[1:]
	switch tool {
	case "helm":
		runHelm()
	case "kubectl":
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			util.CheckErr(err)
		}
	default:
		fmt.Fprintf(os.Stderr, "cluster-tools: unknown tool %q\n", tool)
		os.Exit(2)
	}
}

func runHelm() {
	kube.ManagedFieldsManager = "helm"
	command, err := helm.NewRootCmd(os.Stdout, os.Args[1:], helm.SetupLogging)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := command.Execute(); err != nil {
		if failure, ok := errors.AsType[helm.CommandError](err); ok {
			os.Exit(failure.ExitCode)
		}
		os.Exit(1)
	}
}
