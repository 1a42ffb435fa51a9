//! `refit mcp`: what refit knows, for agents and editors, by the Model Context Protocol on standard input and output.
//!
//! Read only. A tool is a verb: it is run as a process of its own with `-o json`, so that what an agent gets is byte by
//! byte what the command line prints, and a cancelled call ends it.

use std::process::Stdio;

use clap::Args as ClapArgs;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer, ServiceExt as _};
use serde_json::Value;
use tokio::process::Command;

use super::connection::block_on;
use super::{Error, Exit};

mod tools;

/// The exit code of a run that failed; every other one says what a result means.
const FAILED: i32 = 1;

const INSTRUCTIONS: &str = "Plans in-place upgrades and downgrades of Istio. Nothing here changes a cluster or a file. \
    `plan` returns an outcome (JSON): its verdict is clear, blocked or unknown, each finding has a code, evidence and a \
    fix; `explain` says what a code means. Files are paths on the machine on which this server runs: what `kubectl get -o \
    yaml` or `refit snapshot` exported. Without files, `plan` reads the cluster of the kubeconfig.";

/// The arguments of `refit mcp`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {}

pub(super) fn run(_: &Args) -> Result<Exit, Error> {
    block_on(async {
        let server = Server.serve(rmcp::transport::stdio()).await?;
        server.waiting().await?;
        Ok(Exit::Done)
    })
}

/// The server: it holds nothing.
struct Server;

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let about = Implementation::new("refit", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(about)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let asked = Value::Object(request.arguments.unwrap_or_default());
        let arguments = tools::arguments(&request.name, asked)
            .map_err(|it| ErrorData::invalid_params(it, None))?;
        let result = called(&arguments).await;
        result
            .map(CallToolResponse::from)
            .map_err(|it| ErrorData::internal_error(it.to_string(), None))
    }
}

/// Runs a verb: its standard output is the first content, what it said beside it the second.
async fn called(arguments: &[String]) -> std::io::Result<CallToolResult> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let output = command.output().await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let data = serde_json::from_str(&text).ok().filter(Value::is_object);
    let mut contents = Vec::new();
    if !text.is_empty() {
        contents.push(ContentBlock::text(text));
    }
    if !said.is_empty() {
        contents.push(ContentBlock::text(said));
    }
    if output.status.code().is_none_or(|it| it == FAILED) {
        return Ok(CallToolResult::error(contents));
    }
    let mut result = CallToolResult::success(contents);
    result.structured_content = data;
    Ok(result)
}
