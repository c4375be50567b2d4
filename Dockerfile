# The demo: `docker build -t trazo . && docker run --rm -p 7860:7860 trazo`. See docs/serving.md.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 trazo
WORKDIR /home/trazo/app

# The packages first: they change less often than the code.
COPY ui/requirements.txt ui/requirements.txt
RUN pip install --no-cache-dir -r ui/requirements.txt

COPY . .
RUN pip install --no-cache-dir --no-deps .

USER trazo
ENV GRADIO_SERVER_NAME=0.0.0.0 PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-m", "ui.server.health"]
CMD ["python", "app.py"]
