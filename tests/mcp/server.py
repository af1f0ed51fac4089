"""A server of the Model Context Protocol on standard input and output, for the test beside it."""

from mcp.server.fastmcp import FastMCP

server = FastMCP("weather")


@server.tool()
def temperature(city: str) -> str:
    """The temperature in a city."""
    if city == "Atlantis":
        raise ValueError("there is no such city")
    return f"{city}: 3 degrees"


if __name__ == "__main__":
    server.run()
