// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "daemon/control_answer.hpp"
#include "report/control_protocol.hpp"
#include "report/errno_text.hpp"

namespace farewell::daemon {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using report::control::kFrameEnd;

constexpr std::chrono::seconds kIdleLimit{30};
constexpr int kBacklog = 16;

sockaddr_un address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    return address;
}

/// The pid of whoever listens at `path`; nullopt if nobody does.
std::optional<pid_t> listener_at(const sockaddr_un& address) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // The socket API takes its addresses by this cast.
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);  // NOLINT
    std::optional<pid_t> pid;
    if (fd >= 0 && connect(fd, generic, sizeof address) == 0) {
        ucred peer{};
        socklen_t size = sizeof peer;
        pid = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    return pid;
}

}  // namespace

std::expected<ControlSocket, std::string> ControlSocket::bind(const std::filesystem::path& path) {
    std::error_code error;
    const bool made = std::filesystem::create_directories(path.parent_path(), error);
    if (error) {
        return std::unexpected(
            fmt::format("make the directory of control.socket {}: {}", path.string(), error.message()));
    }
    const sockaddr_un address = address_of(path);
    if (const auto pid = listener_at(address)) {
        return std::unexpected(
            fmt::format("another farewelld (pid {}) answers at {}; stop it, or give this one its own: --set "
                        "control.socket=/run/…",
                        *pid, path.string()));
    }
    unlink(path.c_str());  // nobody answers there: the file of one that was killed
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return std::unexpected(fmt::format("open the control socket: {}", report::errno_text(errno)));
    }
    ControlSocket bound(path, fd, made);
    const mode_t before = umask(0117);                                  // 0660 from the first moment on
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: as above
    const int result = ::bind(fd, generic, sizeof address);
    const int bind_error = errno;
    umask(before);
    if (result != 0 || listen(fd, kBacklog) != 0) {
        return std::unexpected(fmt::format("bind the control socket {}: {}; choose another by control.socket",
                                           path.string(),
                                           report::errno_text(result != 0 ? bind_error : errno)));
    }
    return bound;
}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      made_directory_(other.made_directory_) {}

ControlSocket::~ControlSocket() {
    if (fd_ >= 0) {
        close(fd_);
        unlink(path_.c_str());
    }
}

void ControlSocket::give_to(unsigned uid, unsigned gid) const {
    // Failing leaves it to root, which only means that the file stays behind at the end.
    [[maybe_unused]] const int file = chown(path_.c_str(), uid, gid);
    if (made_directory_) {
        [[maybe_unused]] const int directory = chown(path_.parent_path().c_str(), uid, gid);
    }
}

struct ControlServer::State : std::enable_shared_from_this<ControlServer::State> {
    class Connection;

    State(asio::io_context& io, int listening, Handlers on_request)
        : context(io), acceptor(io, stream_protocol(), listening), handlers(std::move(on_request)) {}

    void accept();

    asio::io_context& context;
    stream_protocol::acceptor acceptor;
    Handlers handlers;
    std::set<std::shared_ptr<Connection>> connections;
    std::size_t streams = 0;
    bool stopped = false;
};

/// One client: reads a request, waits for its answer or answers, writes them, reads the next.
class ControlServer::State::Connection : public AnswerStream,
                                         public std::enable_shared_from_this<Connection> {
 public:
    Connection(std::shared_ptr<State> server, stream_protocol::socket socket)
        : server_(std::move(server)), socket_(std::move(socket)), idle_(server_->context) {}

    void read() {
        wait_at_most(kIdleLimit);
        asio::async_read_until(
            socket_, asio::dynamic_buffer(received_, report::control::kRequestBytesMax), kFrameEnd,
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t length) {
                if (error) {
                    self->close();  // the client is done, too slow, or its request too large
                } else {
                    self->on_request(length);
                }
            });
    }

    void close() {
        boost::system::error_code ignored;
        idle_.cancel();
        socket_.close(ignored);  // NOLINT(bugprone-unused-return-value): `ignored` has it
        const auto closed = std::exchange(on_closed_, {});
        leave_stream();
        server_->connections.erase(shared_from_this());
        if (closed) {
            closed();
        }
    }

    [[nodiscard]] bool send(const nlohmann::json& parameters) override {
        if (!is_streaming_ || is_ending_) {
            return false;
        }
        std::string frame = frame_of({{"parameters", parameters}, {"continues", true}});
        // One alone always has room, or a large answer could never be sent.
        if (!waiting_.empty() && waiting_bytes_ + frame.size() > kWaitingBytesMax) {
            is_behind_ = true;
            return false;
        }
        enqueue(std::move(frame));
        return true;
    }

    void end(const nlohmann::json& answer) override {
        if (is_streaming_ && !is_ending_) {
            is_ending_ = true;
            on_closed_ = {};
            enqueue(frame_of(answer));
        }
    }

 private:
    static std::string frame_of(const nlohmann::json& answer) {
        // A program, an interface and a file are named by any bytes; those that are not UTF-8 are shown
        // replaced.
        std::string frame = answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        frame += kFrameEnd;
        return frame;
    }

    void wait_at_most(std::chrono::seconds limit) {
        idle_.expires_after(limit);
        idle_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error) {
                self->close();
            }
        });
    }

    void on_request(std::size_t length) {
        idle_.cancel();
        const std::string text = received_.substr(0, length - 1);
        received_.erase(0, length);
        const auto request = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
        if (!request.is_object()) {
            write(failure(report::control::error::kInvalidRequest, "a request must be a JSON object"));
            return;
        }
        const auto more = request.find("more");
        if (more != request.end() && *more == true) {
            if (server_->streams >= kStreamsMax) {
                write(failure(report::control::error::kRefused,
                              fmt::format("{} clients follow already, and no more may", kStreamsMax)));
                return;
            }
            if (begin_stream(request)) {
                return;
            }
        }
        server_->handlers.call(request, [self = shared_from_this()](nlohmann::json answer) {
            asio::post(self->server_->context, [self, answer = std::move(answer)] { self->write(answer); });
        });
    }

    void write(const nlohmann::json& answer) {
        if (!socket_.is_open()) {
            return;
        }
        sent_ = frame_of(answer);
        wait_at_most(kIdleLimit);
        asio::async_write(
            socket_, asio::buffer(sent_),
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t /*length*/) {
                if (error) {
                    self->close();
                } else {
                    self->read();
                }
            });
    }

    // A stream from here on: it may be silent for days, and its client may read as slowly as it likes.

    bool begin_stream(const nlohmann::json& request) {
        is_streaming_ = true;
        ++server_->streams;
        if (!server_->handlers.follow(request, shared_from_this())) {
            leave_stream();
            return false;
        }
        notice_its_end();
        return true;
    }

    void leave_stream() {
        if (std::exchange(is_streaming_, false)) {
            --server_->streams;
        }
        is_ending_ = is_behind_ = false;
        on_room_ = {};
        on_closed_ = {};
    }

    /// A client that follows has nothing more to say; whatever is read is its end.
    void notice_its_end() {
        socket_.async_wait(stream_protocol::socket::wait_read,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                               if (error != asio::error::operation_aborted) {
                                   self->close();
                               }
                           });
    }

    void enqueue(std::string frame) {
        waiting_bytes_ += frame.size();
        waiting_.push_back(std::move(frame));
        if (waiting_.size() == 1) {
            write_waiting();
        }
    }

    void write_waiting() {
        asio::async_write(
            socket_, asio::buffer(waiting_.front()),
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t /*length*/) {
                if (error) {
                    self->close();
                } else {
                    self->on_written();
                }
            });
    }

    void on_written() {
        waiting_bytes_ -= waiting_.front().size();
        waiting_.pop_front();
        if (!waiting_.empty()) {
            write_waiting();
        } else if (is_ending_) {
            boost::system::error_code ignored;
            socket_.cancel(ignored);  // NOLINT(bugprone-unused-return-value): the wait for its end
            leave_stream();
            read();
        } else if (std::exchange(is_behind_, false) && on_room_) {
            on_room_();
        }
    }

    std::shared_ptr<State> server_;
    stream_protocol::socket socket_;
    asio::steady_timer idle_;
    std::string received_;
    std::string sent_;
    bool is_streaming_ = false;
    bool is_ending_ = false;           // the last answer is on its way
    bool is_behind_ = false;           // an answer found no room
    std::deque<std::string> waiting_;  // frames of a stream; the first is being written
    std::size_t waiting_bytes_ = 0;
};

void ControlServer::State::accept() {
    acceptor.async_accept(
        [self = shared_from_this()](const boost::system::error_code& error, stream_protocol::socket socket) {
            if (self->stopped) {
                return;
            }
            if (!error && self->connections.size() < kConnectionsMax) {
                auto connection = std::make_shared<Connection>(self, std::move(socket));
                self->connections.insert(connection);
                connection->read();
            }
            self->accept();
        });
}

ControlServer::ControlServer(asio::io_context& context, const ControlSocket& socket, Handlers handlers)
    : state_(std::make_shared<State>(context, dup(socket.fd()), std::move(handlers))) {
    state_->accept();
}

// NOLINTNEXTLINE(bugprone-exception-escape): only memory running out can throw here
ControlServer::~ControlServer() {
    stop();
}

void ControlServer::stop() {
    state_->stopped = true;
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);  // NOLINT(bugprone-unused-return-value): `ignored` has it
    for (const auto& connection : std::set(state_->connections)) {
        connection->close();
    }
}

}  // namespace farewell::daemon
