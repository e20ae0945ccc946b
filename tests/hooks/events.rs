//! An extension whose answers are the test's: a receiver behind the plugin `webhook`.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::world::WorldBuilder;

/// The settings of a program that has the receiver as its one extension, beside [`Events::table`].
pub(crate) const SETTINGS: [(&str, &str); 1] = [("INSTALLED_EXTENSIONS", "events:webhook")];

/// The events that a program tells, in the order in which they come.
pub(crate) struct Events {
    port: u16,
    told: UnboundedReceiver<Event>,
}

/// One event, whose sender waits for an answer.
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) user: Value,
    connection: BufReader<TcpStream>,
}

impl Events {
    pub(crate) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, told) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let tell = tell.clone();
                tokio::spawn(async move { tell.send(Event::read(connection).await) });
            }
        });
        Self { port, told }
    }

    /// Makes the receiver the one extension of a program.
    pub(crate) fn configure(&self, world: WorldBuilder) -> WorldBuilder {
        SETTINGS.iter().fold(world, |world, (name, value)| world.setting(name, value)).config(&self.table())
    }

    /// What stands in `vestibule.toml` of a program that has [`SETTINGS`].
    pub(crate) fn table(&self) -> String {
        let secret = "whsec_dmVzdGlidWxlIGFza3MsIGEgd2ViaG9vayBhbnN3ZXI=";
        let config = format!("{{ url = \"http://127.0.0.1:{}/\", secrets = [\"{secret}\"] }}", self.port);
        format!("[plugin.events]\nconfig = {config}\n")
    }

    /// The next event of this kind. Those of other kinds before it are answered with nothing.
    pub(crate) async fn next(&mut self, kind: &str) -> Event {
        loop {
            let event = self.told.recv().await.expect("the listener lives as long as the test");
            if event.kind == kind {
                return event;
            }
            event.answer(None).await;
        }
    }
}

impl Event {
    async fn read(connection: TcpStream) -> Self {
        let mut connection = BufReader::new(connection);
        let (mut line, mut length) = (String::new(), 0);
        while connection.read_line(&mut line).await.unwrap() > 2 {
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await.unwrap();
        let message: Value = serde_json::from_slice(&body).unwrap();
        let kind = message["type"].as_str().unwrap().to_owned();
        Self { kind, user: message["data"]["user"].clone(), connection }
    }

    /// Answers with a merge patch, or with nothing. Whoever asked may have given up.
    pub(crate) async fn answer(mut self, patch: Option<&Value>) {
        let body = patch.map_or_else(String::new, |patch| json!({ "patch": patch }).to_string());
        let status = if patch.is_some() { "200 OK" } else { "204 No Content" };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        self.connection.write_all(format!("{head}{body}").as_bytes()).await.ok();
    }
}
