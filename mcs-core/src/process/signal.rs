/// What a child is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `SIGINT`, as from a keyboard.
    Interrupt,
    /// `SIGTERM`: end.
    Terminate,
    /// `SIGKILL`, which nobody can refuse.
    Kill,
    /// `SIGSTOP`, which nobody can refuse either: stand still.
    Stop,
    /// `SIGCONT`: go on after that.
    Continue,
}

#[cfg(unix)]
impl Signal {
    /// As the system calls it.
    pub(super) const fn raw(self) -> rustix::process::Signal {
        match self {
            Self::Interrupt => rustix::process::Signal::INT,
            Self::Terminate => rustix::process::Signal::TERM,
            Self::Kill => rustix::process::Signal::KILL,
            Self::Stop => rustix::process::Signal::STOP,
            Self::Continue => rustix::process::Signal::CONT,
        }
    }
}
