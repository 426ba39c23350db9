//! The protocol's side of the server: what is listed, how a call begins, and how it ends.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelledNotificationParam,
    ContentBlock, ErrorCode, Implementation, JsonObject, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, RequestId,
    ResourceContents, ServerCapabilities, ServerConfig,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::arguments::{self, SummaryArguments};
use super::desk::{self, CALLS_MAX, Desk, Options};
use super::refusal::{Outcome, Refusal};
use super::stdio::Watched;
use super::{catalogue, files, people, read, resources, say, summary, wait};
use crate::error::{CliError, CliResult, Kind};

/// How often a call that takes long says so, where the client wants to know.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);
/// How long the rooms may take to be looked at before the client is answered: some hold back the user's prompt until then.
const OPEN_TIME: Duration = Duration::from_secs(1);
/// How long calls that are nearly done may take to end after the client has gone.
const END_TIME: Duration = Duration::from_secs(2);

/// Serves on standard input and output until either ends, or the process is told to.
pub async fn serve(options: Options) -> CliResult {
    let failed = |error: &dyn std::error::Error| {
        CliError::new(Kind::Command, "cannot serve on standard input and output").because(error)
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed(&error))?;
    let end = CancellationToken::new();
    let server = open(options, end.clone()).await?;
    let (input, output) = rmcp::transport::stdio_pipes();
    let transport = (Watched::new(input, end.clone()), output);
    let conversation = async {
        let running = match server.serve(transport).await {
            Ok(running) => running,
            // A client that goes before it says what it is has nothing to be told.
            Err(_) if end.is_cancelled() => return Ok(()),
            Err(error) => return Err(failed(&error)),
        };
        running
            .waiting()
            .await
            .map(drop)
            .map_err(|error| failed(&error))
    };
    let gone = async {
        end.cancelled().await;
        tokio::time::sleep(END_TIME).await;
    };
    tokio::select! {
        ended = conversation => ended,
        () = gone => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

/// A server that knows how far the rooms are; where the disk does not say in time, one that does not.
async fn open(options: Options, end: CancellationToken) -> CliResult<Server> {
    let unread = Desk::unread(options.clone(), end.clone());
    let server = desk::blocking(move || Ok(Server::new(Desk::open(options, end))));
    match tokio::time::timeout(OPEN_TIME, server).await {
        Ok(server) => server.map_err(|refusal| CliError::new(Kind::Command, refusal.text())),
        Err(_) => Ok(Server::with(unread, catalogue::instructions_about(None))),
    }
}

/// How long a call takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// As long as files and the daemon take.
    Quick,
    /// Until somebody says something, or a file is read or here.
    Waits,
}

/// The server; one for the one client there is.
struct Server {
    desk: Arc<Desk>,
    instructions: String,
    calls: Semaphore,
}

impl Server {
    fn new(desk: Desk) -> Self {
        let rooms = desk.connected().ok();
        Self::with(desk, catalogue::instructions_about(rooms.as_ref()))
    }

    fn with(desk: Desk, instructions: String) -> Self {
        Self {
            instructions,
            desk: Arc::new(desk),
            calls: Semaphore::new(CALLS_MAX),
        }
    }

    /// Carries out a call until it ends, is cancelled, or, where it is one that waits, the client is gone. A fault in it is
    /// an error like others: a client that gets no answer waits for ever.
    async fn attend(
        &self,
        context: &RequestContext<RoleServer>,
        pace: Pace,
        work: impl Future<Output = Outcome<Answer>>,
    ) -> Outcome<String> {
        let Ok(_permit) = self.calls.try_acquire() else {
            return Err(Refusal::new(
                "too_many_calls",
                format!("{CALLS_MAX} calls are under way already"),
            ));
        };
        let done = tokio::select! {
            () = context.ct.cancelled() => return Err(cancelled()),
            () = self.desk.end.cancelled(), if pace == Pace::Waits => return Err(cancelled()),
            never = tell_progress(context) => match never {},
            done = AssertUnwindSafe(work).catch_unwind() => done,
        };
        let answer = done.unwrap_or_else(|_| {
            Err(Refusal::new("internal_error", "a fault in the tool itself"))
        })?;
        if context.ct.is_cancelled() {
            return Err(cancelled());
        }
        Ok(self.hand_out(&context.id, answer).await)
    }

    /// The answer's text; what it holds is written down.
    async fn hand_out(&self, request: &RequestId, answer: Answer) -> String {
        if let Some(shown) = answer.shown {
            if shown.is_heard {
                self.desk.places().give(request, shown.room, &shown.lines);
            }
            let desk = Arc::clone(&self.desk);
            // A fault there is no reason to keep the answer back.
            let written = desk::blocking(move || {
                shown.audit(&desk);
                Ok(())
            });
            let _ = written.await;
        }
        answer.text
    }

    async fn call(
        &self,
        name: &str,
        given: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Option<Outcome<String>> {
        let desk = &self.desk;
        Some(match name {
            "room_send" => {
                let work = async { say::send(desk, arguments::read(given)?).await };
                self.attend(context, Pace::Quick, work).await
            }
            "room_read" => {
                let (desk, stop) = (Arc::clone(desk), context.ct.clone());
                let work = async {
                    let wanted = arguments::read(given)?;
                    desk::blocking(move || read::read(&desk, &wanted, &stop)).await
                };
                self.attend(context, Pace::Quick, work).await
            }
            "room_ask" => {
                let work = async { say::ask(desk, arguments::read(given)?).await };
                self.attend(context, Pace::Waits, work).await
            }
            "room_wait" => {
                let work = async { wait::wait(desk, arguments::read(given)?).await };
                self.attend(context, Pace::Waits, work).await
            }
            "room_members" => {
                let work = async { people::members(desk, arguments::read(given)?).await };
                self.attend(context, Pace::Quick, work).await
            }
            "room_summary" => {
                let work = async { self.summary(arguments::read(given)?).await };
                self.attend(context, Pace::Quick, work).await
            }
            "room_share_file" => {
                let work = async { files::share(desk, arguments::read(given)?).await };
                self.attend(context, Pace::Waits, work).await
            }
            "room_files" => {
                let work = async { files::list(desk, arguments::read(given)?).await };
                self.attend(context, Pace::Quick, work).await
            }
            "room_get_file" => {
                let work = async { files::get(desk, arguments::read(given)?).await };
                self.attend(context, Pace::Waits, work).await
            }
            _ => return None,
        })
    }

    async fn summary(&self, wanted: SummaryArguments) -> Outcome<Answer> {
        if let Some(text) = summary::proposed(&wanted)? {
            return say::propose(&self.desk, wanted.room, text).await;
        }
        let desk = Arc::clone(&self.desk);
        desk::blocking(move || summary::read(&desk, wanted.room.as_deref())).await
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("cc-connect", env!("CARGO_PKG_VERSION")))
            .with_instructions(&self.instructions)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(catalogue::tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let given = request.arguments.unwrap_or_default();
        let outcome = self.call(&request.name, given, &context).await;
        let result = match outcome {
            Some(Ok(text)) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Some(Err(refusal)) => CallToolResult::error(vec![ContentBlock::text(refusal.text())]),
            None => return Err(ErrorData::invalid_params("there is no such tool", None)),
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let desk = Arc::clone(&self.desk);
        let listed = desk::blocking(move || Ok(catalogue::resources(&desk))).await;
        Ok(ListResourcesResult::with_all_items(
            listed.unwrap_or_default(),
        ))
    }

    async fn list_resource_templates(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(
            catalogue::templates(),
        ))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let none = || Refusal::new("no_such_resource", "there is no such resource");
        let work = async {
            let found = resources::read(&self.desk, &request.uri, &context.ct).await;
            found.unwrap_or_else(|| Err(none()))
        };
        match self.attend(&context, Pace::Quick, work).await {
            Ok(text) => {
                let contents =
                    ResourceContents::text(text, request.uri).with_mime_type("text/plain");
                Ok(ReadResourceResult::new(vec![contents]).into())
            }
            Err(refusal) if refusal == none() => Err(ErrorData::resource_not_found(
                "there is no such resource",
                None,
            )),
            Err(refusal) => {
                let kind = json!({"kind": refusal.kind});
                Err(ErrorData::new(
                    ErrorCode::INVALID_REQUEST,
                    refusal.text(),
                    Some(kind),
                ))
            }
        }
    }

    async fn on_cancelled(
        &self,
        notification: CancelledNotificationParam,
        _context: NotificationContext<RoleServer>,
    ) {
        if let Some(request) = notification.request_id {
            self.desk.places().take_back(&request);
        }
    }
}

/// Says every few seconds that the call is still under way, where the client asked for that.
async fn tell_progress(context: &RequestContext<RoleServer>) -> std::convert::Infallible {
    let Some(token) = context.meta.get_progress_token() else {
        return std::future::pending().await;
    };
    let began = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(PROGRESS_EVERY).await;
        let progress = ProgressNotificationParam::new(token.clone(), began.elapsed().as_secs_f64());
        // Whether it got there is told by the answer.
        let _ = context.peer.notify_progress(progress).await;
    }
}

/// Never sent: whoever would read it has gone, or does not want it.
fn cancelled() -> Refusal {
    Refusal::new("cancelled", "the call was cancelled")
}
