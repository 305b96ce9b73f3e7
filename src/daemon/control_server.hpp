// SPDX-License-Identifier: GPL-2.0-or-later
// The control socket: accepts, frames, times out. What a method does is control_methods'.
// Threads: everything on the io_context's one thread, the control thread; answers may be made anywhere and
// are posted back to it.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming): its name
}

namespace farewell::daemon {

/// A bound and listening socket file, removed when its owner goes.
class ControlSocket {
 public:
    /// Makes missing parent directories (0755), removes the file of a daemon that is gone, and binds with
    /// mode 0660. The error is a sentence with the next step; a daemon that answers there is named by its
    /// pid.
    [[nodiscard]] static std::expected<ControlSocket, std::string> bind(const std::filesystem::path& path);
    ControlSocket(ControlSocket&& other) noexcept;
    ControlSocket& operator=(ControlSocket&&) = delete;
    ~ControlSocket();

    /// Gives the file, and the directory if bind() made it, to the user the daemon will run as.
    void give_to(unsigned uid, unsigned gid) const;
    [[nodiscard]] int fd() const { return fd_; }

 private:
    ControlSocket(std::filesystem::path path, int fd, bool made_directory)
        : path_(std::move(path)), fd_(fd), made_directory_(made_directory) {}
    std::filesystem::path path_;
    int fd_ = -1;
    bool made_directory_ = false;
};

/// The answers to one call with "more": as many as there are, until the client goes, end() is called or the
/// server stops. Control thread only. What is written but not yet read takes at most kWaitingBytesMax.
class AnswerStream {
 public:
    AnswerStream() = default;
    virtual ~AnswerStream() = default;
    AnswerStream(const AnswerStream&) = delete;
    AnswerStream& operator=(const AnswerStream&) = delete;

    /// An answer that others follow. false: the client is behind, and this answer is not kept for it;
    /// on_room() will say when it has caught up.
    [[nodiscard]] virtual bool send(const nlohmann::json& parameters) = 0;
    /// The last answer, {"parameters"} or {"error", "parameters"}. The client may then call anew.
    virtual void end(const nlohmann::json& answer) = 0;
    void on_room(std::function<void()> callback) { on_room_ = std::move(callback); }
    /// Called once, when the client or the server has gone; not after end().
    void on_closed(std::function<void()> callback) { on_closed_ = std::move(callback); }

    static constexpr std::size_t kWaitingBytesMax = std::size_t{256} << 10U;

 protected:
    std::function<void()> on_room_;
    std::function<void()> on_closed_;
};

class ControlServer {
 public:
    using Answer = std::move_only_function<void(nlohmann::json)>;
    struct Handlers {
        /// Gets the request and must call the answer exactly once, from any thread.
        std::function<void(const nlohmann::json& request, Answer answer)> call;
        /// Gets a request with "more". false: this method has only one answer, and `call` gets it.
        std::function<bool(const nlohmann::json& request, std::shared_ptr<AnswerStream> stream)> follow;
    };

    ControlServer(boost::asio::io_context& context, const ControlSocket& socket, Handlers handlers);
    ~ControlServer();
    /// Stops accepting and closes all connections. Control thread.
    void stop();

    static constexpr std::size_t kConnectionsMax = 32;
    static constexpr std::size_t kStreamsMax = 16;  // so that there is always room for calls

 private:
    struct State;
    std::shared_ptr<State> state_;  // shared with the connections, which may outlive a stop by one callback
};

}  // namespace farewell::daemon
